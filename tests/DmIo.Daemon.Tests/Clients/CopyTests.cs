using System.Text.Json;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>Copies by nbdcopy over several connections, and what qemu-img does with an export.</summary>
public sealed class CopyTests
{
    private const int MiB = 1 << 20;
    private const int SizeBytes = 96 * MiB;

    private Volume _volume = null!;
    private DaemonProcess _daemon = null!;

    [SetUp]
    public void Serve()
    {
        _volume = new Volume("96M");
        _daemon = _volume.Serve();
    }

    [TearDown]
    public void Stop()
    {
        using (_volume)
        {
            Assert.That(_daemon.Stop(), Is.Zero, _daemon.Log);
            _volume.CompareLegs();
        }
    }

    // Goal: four connections write and read one volume at once, with data and holes mixed, in requests of several sizes.
    [TestCase("--request-size=4096")]
    [TestCase("--request-size=262144")]
    [TestCase("--request-size=33554432")]
    [TestCase("--allocated")]
    [TestCase("--synchronous")]
    public void Nbdcopy_copies_both_ways_over_four_connections(string option)
    {
        string image = MixedImage(11);
        string back = _volume.Scratch.Sparse("back.img", SizeBytes);
        // What lies there already must be gone: holes are written as zeroes.
        Tool.Run("qemu-io", "-f", "raw", "-c", "write -P 0xff 0 96M", _volume.Uri).MustSucceed();
        Tool.Run("nbdcopy", "--connections=4", "--requests=64", "--flush", option, image, _volume.Uri).MustSucceed();
        foreach (string leg in _volume.Legs)
            Tool.Compare(image, leg);
        Tool.Run("nbdcopy", "--connections=4", "--requests=64", option, _volume.Uri, back).MustSucceed();
        Tool.Compare(image, back);
    }

    // Goal: from one export to another, which the server sees as readers and writers at the same time.
    [Test]
    public void Nbdcopy_copies_from_export_to_export()
    {
        using var other = new Volume("96M");
        DaemonProcess daemon = other.Serve();
        string image = MixedImage(12);
        Tool.Run("nbdcopy", "--connections=4", image, _volume.Uri).MustSucceed();
        Tool.Run("nbdcopy", "--connections=4", "--flush", _volume.Uri, other.Uri).MustSucceed();
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        foreach (string leg in other.Legs)
            Tool.Compare(image, leg);
    }

    // Goal: qemu-img converts to and from, compares, sees a difference, maps, measures and tells.
    [Test]
    public void Qemu_img_converts_compares_maps_and_measures()
    {
        string image = MixedImage(13);
        Tool.Run("qemu-img", "convert", "-n", "-W", "-m", "8", "-f", "raw", "-O", "raw", image, _volume.Uri).MustSucceed();
        Tool.Run("qemu-img", "compare", "-f", "raw", "-F", "raw", image, _volume.Uri).MustSucceed();
        string qcow = _volume.Scratch["back.qcow2"];
        Tool.Run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", _volume.Uri, qcow).MustSucceed();
        Tool.Run("qemu-img", "compare", "-f", "raw", "-F", "qcow2", _volume.Uri, qcow).MustSucceed();
        string map = Tool.Run("qemu-img", "map", "--output=json", "-f", "raw", _volume.Uri).MustSucceed().Output;
        JsonElement[] extents = [.. JsonDocument.Parse(map).RootElement.EnumerateArray()];
        Assert.That(extents.Sum(e => e.GetProperty("length").GetInt64()), Is.EqualTo(SizeBytes));
        Assert.That(extents.Count(e => e.GetProperty("data").GetBoolean()), Is.GreaterThan(1));
        string measured = Tool.Run("qemu-img", "measure", "--output=json", "-f", "raw", "-O", "qcow2", _volume.Uri).MustSucceed().Output;
        Assert.That(JsonDocument.Parse(measured).RootElement.GetProperty("required").GetInt64(), Is.LessThan(SizeBytes));
        Tool.Run("qemu-io", "-f", "raw", "-c", "write -P 1 50M 1", _volume.Uri).MustSucceed();
        ToolResult compared = Tool.Run("qemu-img", "compare", "-f", "raw", "-F", "raw", image, _volume.Uri);
        Assert.That(compared.ExitCode, Is.EqualTo(1));
        Assert.That(compared.Output, Does.Contain($"mismatch at offset {50 * MiB}"));
    }

    // Goal: an image in qcow2 lies in the export, is written through, and its structures are consistent afterwards.
    [Test]
    public void Qemu_keeps_a_qcow2_image_in_an_export()
    {
        Tool.Run("qemu-img", "create", "-f", "qcow2", _volume.Uri, "64M").MustSucceed();
        Tool.Run(
            "qemu-io", "-f", "qcow2", "-c", "write -P 0x17 1M 5M", "-c", "write -P 0x18 12345 6789", "-c", "write -z 2M 1M",
            "-c", "discard 3M 1M", "-c", "flush", "-c", "read -P 0x18 12345 6789", "-c", "read -P 0 2M 1M", _volume.Uri).MustSucceed();
        Assert.That(
            Tool.Run("qemu-img", "check", "-f", "qcow2", _volume.Uri).MustSucceed().Output,
            Does.Contain("No errors were found on the image."));
        Tool.Run("qemu-io", "-r", "-f", "qcow2", "-c", "read -P 0x17 4M 2M", _volume.Uri).MustSucceed();
    }

    // Pieces of data and holes of many lengths, some not whole blocks.
    private string MixedImage(int seed)
    {
        TestContext.Out.WriteLine($"seed {seed}");
        var random = new Random(seed);
        string path = _volume.Scratch.Sparse($"image-{seed}", SizeBytes);
        using FileStream file = File.OpenWrite(path);
        for (long at = random.Next(MiB); at < 90L * MiB; at += random.Next(1 << random.Next(10, 23)))
        {
            byte[] piece = new byte[random.Next(1, 1 << random.Next(1, 21))];
            random.NextBytes(piece);
            file.Position = at;
            file.Write(piece);
            at += piece.Length;
        }
        // A hole in the middle that one more byte makes differ.
        file.Position = 49L * MiB;
        file.Write(new byte[2 * MiB]);
        return path;
    }
}
