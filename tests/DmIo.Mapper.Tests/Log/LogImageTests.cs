namespace DmIo.Mapper.Tests;

public sealed class LogImageTests
{
    private const int BlockBytes = 512;

    [Test]
    public void All_captured_logs_are_here() =>
        Assert.That(GoldenLog.All(), Has.Length.EqualTo(GoldenLog.Count));

    // Goal: every log that a kernel was seen to write opens here with the same dirty regions, and nothing in it needs
    // to be written.
    [TestCaseSource(typeof(GoldenLog), nameof(GoldenLog.All))]
    public void The_kernels_log_is_taken_as_it_is(GoldenLog log)
    {
        LogImage image = log.Read();
        byte[] before = [.. image.Bytes];
        LogActivation activation = image.Activate(MirrorSync.Unsaid);
        Assert.That(activation, Is.EqualTo(new LogActivation(LogActivationKind.Kept, 2, (ulong)log.Regions)));
        Assert.That(DirtyOf(image), Is.EqualTo(log.Dirty));
        Assert.That(image.CleanCount, Is.EqualTo(log.Regions - log.Dirty.Length));
        Assert.That(image.Bytes, Is.EqualTo(before));
        Assert.That(Take(image), Is.Empty);
    }

    // Goal: every one of these logs is written here byte for byte, from nothing but the number of regions and the
    // dirty ones.
    [TestCaseSource(typeof(GoldenLog), nameof(GoldenLog.All))]
    public void The_kernels_log_is_made_from_nothing(GoldenLog log)
    {
        var image = new LogImage(log.Regions, BlockBytes);
        Assert.That(image.Activate(MirrorSync.NoSync).Kind, Is.EqualTo(LogActivationKind.New));
        Assert.That(image.CleanCount, Is.EqualTo(log.Regions));
        foreach (long region in log.Dirty)
            Assert.That(image.SetDirty(region));
        Assert.That(image.Bytes, Is.EqualTo(log.Device(image.Bytes.Length)));
    }

    // Goal: a longer mirror keeps what is known and copies what is new (captures 02 section 6; dm-semantics C.2).
    [TestCase("6b-40regions-synced", 64, 40)]
    [TestCase("shrunk-to-9000-sectors", 32, 9)]
    public void A_log_grows(string name, long regions, long kept)
    {
        LogImage image = GoldenLog.Of(name).Read(regions);
        LogActivation activation = image.Activate(MirrorSync.Unsaid);
        Assert.That(activation, Is.EqualTo(new LogActivation(LogActivationKind.Grown, 2, (ulong)kept)));
        Assert.That(DirtyOf(image), Is.EqualTo(Regions(kept, regions)));
        Assert.That(image.RecordedRegions, Is.EqualTo(regions));
        Assert.That(Take(image), Is.EqualTo(new[] { (0, 1) }), "the bits were zero, the header was not");
    }

    // Goal: bits behind the old end are no knowledge, whatever they are.
    [Test]
    public void What_lies_behind_the_old_end_is_dirty()
    {
        LogImage image = GoldenLog.Of("6b-40regions-synced").Read(70);
        Array.Fill(image.Bytes, byte.MaxValue, 1024 + 5, 11);
        image.Activate(MirrorSync.Unsaid);
        Assert.That(DirtyOf(image), Is.EqualTo(Regions(40, 70)));
        Assert.That(image.CleanCount, Is.EqualTo(40));
        Assert.That(Take(image), Is.EqualTo(new[] { (0, 1), (2, 1) }));
    }

    // Goal: a shorter mirror clears what lies behind its end, as the kernel's log shows (captures 02 section 6).
    [Test]
    public void A_log_shrinks()
    {
        LogImage image = GoldenLog.Of("1c-synced").Read(40);
        LogActivation activation = image.Activate(MirrorSync.Unsaid);
        Assert.That(activation, Is.EqualTo(new LogActivation(LogActivationKind.Shrunk, 2, 64)));
        Assert.That(image.Bytes, Is.EqualTo(GoldenLog.Of("6d-shrunk").Device(image.Bytes.Length)));
        Assert.That(image.CleanCount, Is.EqualTo(40));
    }

    // Goal: an unknown version is left alone to the byte (captures 02 section 9: the log stays as it is).
    [TestCase(3u)]
    [TestCase(0u)]
    public void An_unknown_version_is_left_alone(uint version)
    {
        LogImage image = GoldenLog.Of("1c-synced").Read();
        image.Version = version;
        Take(image);
        byte[] before = [.. image.Bytes];
        LogActivation activation = image.Activate(MirrorSync.Unsaid);
        Assert.That(activation, Is.EqualTo(new LogActivation(LogActivationKind.Incompatible, version, 64)));
        Assert.That(image.Bytes, Is.EqualTo(before));
        Assert.That(Take(image), Is.Empty);
    }

    // Goal: version 1 is taken and becomes 2; its other way round is a change that gets written.
    [Test]
    public void Version_1_becomes_2()
    {
        LogImage image = GoldenLog.Of("crash1-found").Read();
        image.Version = LogImage.OldVersion;
        Assert.That(Take(image), Is.EqualTo(new[] { (0, 1) }));
        Assert.That(image.Activate(MirrorSync.Unsaid), Is.EqualTo(new LogActivation(LogActivationKind.Kept, 1, 64)));
        Assert.That(image.Bytes, Is.EqualTo(GoldenLog.Of("crash1-found").Device(image.Bytes.Length)));
        Assert.That(Take(image), Is.EqualTo(new[] { (0, 1) }));
    }

    // Goal: lvm fills its log with zeroes or ones and says "as many regions as you need": the bits count, those behind
    // the end do not.
    [TestCase(byte.MaxValue, 40)]
    [TestCase(byte.MinValue, 0)]
    public void A_log_that_lvm_made(byte fill, long clean)
    {
        var image = new LogImage(40, BlockBytes);
        Array.Fill(image.Bytes, fill);
        GoldenLog.Of("6d-shrunk").Header.CopyTo(image.Bytes, 0);
        image.RecordedRegions = LogImage.AnyRegions;
        LogActivation activation = image.Activate(MirrorSync.Unsaid);
        Assert.That(activation, Is.EqualTo(new LogActivation(LogActivationKind.Kept, 2, ulong.MaxValue)));
        Assert.That(image.CleanCount, Is.EqualTo(clean));
        Assert.That(image.RecordedRegions, Is.EqualTo(40));
        Assert.That(image.Bytes[1024..1032], Is.EqualTo((byte[])[fill, fill, fill, fill, fill, 0, 0, 0]));
        Assert.That(image.Bytes[16..1024], Is.All.EqualTo(fill), "not the kernel's, nor ours");
        Assert.That(image.Bytes[1032..], Is.All.EqualTo(fill));
    }

    // Goal: sync and nosync count for more than the log, whatever it says and of whatever version it is.
    [TestCase(MirrorSync.Sync, 2u, 0)]
    [TestCase(MirrorSync.NoSync, 2u, 64)]
    [TestCase(MirrorSync.Sync, 3u, 0)]
    [TestCase(MirrorSync.NoSync, 3u, 64)]
    public void The_tables_word_counts_for_more(MirrorSync sync, uint version, long clean)
    {
        LogImage image = GoldenLog.Of("sync-removed-mid-recovery").Read();
        image.Version = version;
        Assert.That(image.Activate(sync).Kind, Is.EqualTo(LogActivationKind.New));
        Assert.That(image.CleanCount, Is.EqualTo(clean));
        Assert.That(image.Version, Is.EqualTo(2));
    }

    // Goal: no magic, no log: all is dirty, whatever lay there (captures 02 section 9).
    [Test]
    public void Without_the_magic_everything_is_dirty()
    {
        LogImage image = GoldenLog.Of("1c-synced").Read();
        image.Bytes[0] ^= 1;
        Assert.That(image.HasMagic, Is.False);
        Assert.That(image.Activate(MirrorSync.Unsaid).Kind, Is.EqualTo(LogActivationKind.New));
        Assert.That(image.HasMagic);
        Assert.That(image.CleanCount, Is.Zero);
        Assert.That(Take(image), Is.EqualTo(new[] { (0, 1), (2, 1) }));
    }

    // Goal: the sizes that the kernel asks for (captures 02 sections 8 and 10; dm-semantics H.1).
    [TestCase(64, 512, 1536)]
    [TestCase(4096, 512, 1536)]
    [TestCase(4097, 512, 2048)]
    [TestCase(8192, 512, 2048)]
    [TestCase(64, 4096, 4096)]
    [TestCase(2_097_152, 512, 263_168)]
    [TestCase(uint.MaxValue, 512, 536_871_936)]
    public void The_device_must_be_so_long(long regions, int blockBytes, long bytes) =>
        Assert.That(LogImage.BufferBytes(regions, blockBytes), Is.EqualTo(bytes));

    // Goal: the last of as many regions as there can be has its place.
    [Test]
    public void The_last_region_of_all()
    {
        var image = new LogImage(LogImage.MaxRegions, 4096);
        Assert.That(image.SetClean(LogImage.MaxRegions - 1));
        Assert.That(image.IsClean(LogImage.MaxRegions - 1));
        Assert.That(image.IsClean(LogImage.MaxRegions - 2), Is.False);
        Assert.That(image.NextDirty(LogImage.MaxRegions - 1), Is.EqualTo(-1));
        Assert.That(Take(image), Is.EqualTo(new[] { (131_072, 1) }));
        Assert.That(() => image.IsClean(LogImage.MaxRegions), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => image.IsClean(-1), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    // Goal: changed blocks come as runs, each once, and can be given back when writing them failed.
    [Test]
    public void Changed_blocks_come_as_runs()
    {
        var image = new LogImage(1 << 20, BlockBytes);
        const int regionsInABlock = BlockBytes * 8;
        foreach (int block in (int[])[3, 2, 63, 64, 65, 3, 130])
            image.SetClean((block - 2L) * regionsInABlock + block);
        image.Version = 1;
        (int, int)[] all = [(0, 1), (2, 2), (63, 3), (130, 1)];
        Assert.That(Take(image), Is.EqualTo(all));
        Assert.That(Take(image), Is.Empty);
        image.NoteChanged(63, 3);
        image.SetDirty(64 * regionsInABlock + 66);
        Assert.That(Take(image), Is.EqualTo(new[] { (63, 3) }));
        image.NoteChanged(0, image.Bytes.Length / BlockBytes);
        Assert.That(Take(image), Is.EqualTo(new[] { (0, image.Bytes.Length / BlockBytes) }));
    }

    private static List<(int, int)> Take(LogImage image)
    {
        var runs = new List<(int FirstBlock, int Count)>();
        Assert.That(image.TryTakeChangedBlocks(runs), Is.EqualTo(runs.Count > 0));
        return runs;
    }

    private static IEnumerable<long> Regions(long first, long end) =>
        Enumerable.Range((int)first, (int)(end - first)).Select(region => (long)region);

    private static List<long> DirtyOf(LogImage image)
    {
        var dirty = new List<long>();
        for (long region = image.NextDirty(0); region >= 0; region = image.NextDirty(region + 1))
            dirty.Add(region);
        return dirty;
    }
}
