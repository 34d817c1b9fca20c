using DmIo.Testing;

namespace DmIo.Tests;

internal sealed class DurableFileTests
{
    [Test]
    public void What_was_replaced_is_read_back()
    {
        // No file is null; the newest contents win, longer or shorter, and no other file stays behind.
        using TestDirectory disk = TestDirectory.OnDisk();
        var loop = new ManualLoop();
        using var file = new DurableFile(loop, disk.File("state"));
        Assert.That(loop.Run(async () => await file.ReadAsync()), Is.Null);
        foreach (string contents in new[] { "first, and quite long", "second", "", "dritte: äöü" })
        {
            Assert.That(loop.Run(async () => await file.ReplaceAsync(contents)), Is.EqualTo(Errno.None));
            Assert.That(loop.Run(async () => await file.ReadAsync()), Is.EqualTo(contents));
        }
        Assert.That(Directory.GetFileSystemEntries(disk.FullPath), Is.EqualTo(new[] { disk.File("state") }));
    }

    [Test]
    public void A_full_file_system_leaves_the_old_contents()
    {
        // Replacing fails with the errno, and what was there is still there.
        using TestDirectory tiny = TestDirectory.Tiny(64);
        var loop = new ManualLoop();
        using var file = new DurableFile(loop, tiny.File("state"));
        Assert.That(loop.Run(async () => await file.ReplaceAsync("old")), Is.EqualTo(Errno.None));
        Assert.That(loop.Run(async () => await file.ReplaceAsync(new string('x', 100_000))), Is.EqualTo(Errno.ENOSPC));
        Assert.That(loop.Run(async () => await file.ReadAsync()), Is.EqualTo("old"));
    }

    [Test]
    public void What_an_earlier_crash_left_half_written_does_no_harm()
    {
        // The remains of a replacement that was cut short are overwritten by the next.
        using TestDirectory memory = TestDirectory.InMemory();
        File.WriteAllText(memory.File("state.new"), new string('y', 5000));
        var loop = new ManualLoop();
        using var file = new DurableFile(loop, memory.File("state"));
        Assert.That(loop.Run(async () => await file.ReadAsync()), Is.Null);
        Assert.That(loop.Run(async () => await file.ReplaceAsync("short")), Is.EqualTo(Errno.None));
        Assert.That(loop.Run(async () => await file.ReadAsync()), Is.EqualTo("short"));
    }

    [Test]
    public void A_directory_that_is_not_there_is_an_errno()
    {
        // The caller decides what a lost state directory means.
        using TestDirectory memory = TestDirectory.InMemory();
        var loop = new ManualLoop();
        using var file = new DurableFile(loop, Path.Combine(memory.FullPath, "gone", "state"));
        Assert.That(loop.Run(async () => await file.ReplaceAsync("x")), Is.EqualTo(Errno.ENOENT));
    }
}
