using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>An export as a file, by nbdfuse: what programs do with files ends on the legs.</summary>
[Category("Root")]
public sealed class FuseTests
{
    private const int SizeBytes = 64 << 20;

    // Goal: calls and mapped memory, by several users at once whose ranges meet inside a page, lose and mix up nothing.
    [TestCase(20261201, "--connections=1")]
    [TestCase(20261202, "--connections=4")]
    public void A_file_that_is_exercised_holds_what_was_written(int seed, string connections)
    {
        const int Users = 4;
        const int Steps = 400;
        // No multiple of a page or a block.
        const int Each = SizeBytes / Users / 4 + 1234;
        TestContext.Out.WriteLine($"seed {seed}");
        using var volume = new Volume("64M");
        DaemonProcess daemon = volume.Serve();
        byte[] expected = new byte[SizeBytes];
        using (var mount = new FuseMount(volume.Uri, connections))
        {
            Parallel.For(0, Users, new ParallelOptions { MaxDegreeOfParallelism = Users }, user =>
            {
                using var exerciser = new FileExerciser(mount.Path, seed + user, user * Each, Each);
                exerciser.Run(Steps);
                exerciser.Model.CopyTo(expected.AsMemory(user * Each));
            });
            Assert.That(File.ReadAllBytes(mount.Path).AsSpan().SequenceEqual(expected), $"seed {seed}: read through the file");
        }
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        foreach (string leg in volume.Legs)
            Assert.That(File.ReadAllBytes(leg).AsSpan().SequenceEqual(expected), $"seed {seed}: {leg}");
    }

    // Goal: fio's own checksums, by calls and by mapped memory.
    [TestCase("psync")]
    [TestCase("mmap")]
    public void Fio_verifies_what_it_wrote(string engine)
    {
        using var volume = new Volume("64M");
        DaemonProcess daemon = volume.Serve();
        using (var mount = new FuseMount(volume.Uri))
        {
            Tool.Run(
                "fio", "--name=verify", $"--ioengine={engine}", $"--filename={mount.Path}", "--rw=randwrite", "--bs=4k-64k",
                "--size=64M", "--io_size=32M", "--verify=crc32c", "--verify_fatal=1", "--do_verify=1", "--end_fsync=1",
                "--randseed=4711", "--allow_file_create=0").MustSucceed();
        }
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        volume.CompareLegs();
    }

    // Goal: who mounts read-only, or finds a read-only export, gets an error for a write, and reads.
    [Test]
    public void A_read_only_export_is_a_read_only_file()
    {
        using var volume = new Volume("4M");
        DaemonProcess daemon = volume.Serve("--read-only");
        using (var mount = new FuseMount(volume.Uri))
        {
            Assert.That(File.ReadAllBytes(mount.Path), Is.EqualTo(new byte[4 << 20]));
            Assert.That(Tool.Run("dd", "if=/dev/zero", $"of={mount.Path}", "bs=4k", "count=1", "conv=notrunc").ExitCode, Is.Not.Zero);
        }
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
    }
}
