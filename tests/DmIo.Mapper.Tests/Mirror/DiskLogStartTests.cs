using System.Buffers.Binary;
using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class DiskLogStartTests
{
    // Goal: a log that the kernel wrote is taken over without a word: where it is dirty, and only there, leg 0 is copied.
    [TestCase("32-regions-synced", "32/32")]
    [TestCase("crash-during-writes-to-9-and-31", "30/32")]
    [TestCase("userspace-written", "28/32")]
    public void The_kernels_log_is_taken_over(string name, string inSync)
    {
        GoldenLog golden = GoldenLog.Of(name);
        MirrorRig rig = Kernel(golden);
        new Random(1).NextBytes(rig.Legs[0].Contents());
        rig.Legs[0].Contents().CopyTo(rig.Legs[1].Contents());
        foreach (long region in golden.Dirty)
            rig.Legs[1].Contents(new(region * 1024), new(1024)).Clear();
        rig.WithMirror(_ => MirrorRig.AsTheKernel).Start();
        Assert.That(rig.Status, Does.Contain($" {inSync} 1 AA 3 disk log A"));
        rig.Stop();
        rig.Legs.ForEach(leg => leg.ClearLog());
        rig.WithMirror(_ => new MirrorOptions()).Start();
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA "));
        rig.AssertLegsEqual();
        Assert.That(
            rig.Legs[1].Log.Where(call => call.Operation == BlockOperation.Write)
                .Select(call => call.Start.Count / 1024).Order(),
            Is.EqualTo(golden.Dirty));
        Assert.That(rig.Legs[0].Log.Any(call => call.Operation == BlockOperation.Write), Is.False);
    }

    // Goal: a log whose number of regions is that of another region size is refused, and left as it was.
    [Test]
    public void Another_region_size_is_refused()
    {
        MirrorRig rig = Kernel(GoldenLog.Of("32-regions-synced"));
        rig.TableText = rig.TableText.Replace(" 1024 ", " 512 ", StringComparison.Ordinal);
        AssertRefused(rig, "describes 32 regions, which are those of a region size of 1024 sectors, and the table says 512");
    }

    // Goal: the same with a record, which says its region size and length.
    [TestCase(" 1024 ", " 512 ", "counts in regions of 1024 sectors and the table says 512")]
    [TestCase("0 32768 ", "0 31744 ", "is of a mirror of 32768 sectors and the table says 31744")]
    public void A_record_of_another_geometry_is_refused(string what, string by, string problem)
    {
        MirrorRig rig = Stopped();
        rig.TableText = rig.TableText.Replace(what, by, StringComparison.Ordinal);
        AssertRefused(rig, problem);
    }

    // Goal: a log device that is too small is refused in the kernel's words.
    [Test]
    public void A_log_device_that_is_too_small_is_refused()
    {
        var rig = new MirrorRig(log: "disk 3 log {0} nosync", logSectors: 2);
        AssertRefused(rig, "too small: need 1536 bytes");
    }

    // Goal: a record of a newer version, or a damaged one, is refused: it may say which leg is good.
    [TestCase(8, 2, "has a record of version 2 and this program knows only version 1")]
    [TestCase(100, 0xEE, "has a damaged record")]
    [TestCase(508, 0xEE, "has a damaged record")]
    public void A_record_that_cannot_be_read_is_refused(int at, int value, string problem)
    {
        MirrorRig rig = Stopped();
        rig.LogDevice!.Contents()[RecordAnchor.OffsetBytes + at] = (byte)value;
        AssertRefused(rig, problem);
    }

    // Goal: a header of a version that nobody knows, or one that is gone while the record is there, is refused.
    [TestCase(4, 3, "is of version 3 and this program knows versions 1 and 2")]
    [TestCase(0, 0, "has a record and no header")]
    public void A_header_that_cannot_be_read_is_refused(int at, int value, string problem)
    {
        MirrorRig rig = Stopped();
        rig.LogDevice!.Contents()[at] = (byte)value;
        AssertRefused(rig, problem);
    }

    // Goal: a log device that cannot be read at all is refused.
    [Test]
    public void A_log_that_cannot_be_read_is_refused()
    {
        MirrorRig rig = Stopped();
        rig.LogDevice!.FailAll(Errno.EIO, BlockOperation.Read);
        AssertRefused(rig, "cannot be read (EIO)");
    }

    // Goal: where the device has no room for the bitmaps they lie in a file beside the state, and the record says so: it
    // is used even when the device has become longer.
    [Test]
    public void The_bitmaps_lie_in_a_file_where_the_device_is_short()
    {
        var rig = new MirrorRig(log: "disk 3 log {0} nosync", logSectors: 8);
        rig.WithMirror(_ => MirrorRig.AsTheKernel).Start();
        rig.Legs[0].FailAll();
        Assert.That(rig.Write(4 * 1024, seed: 4), Is.EqualTo(Errno.None));
        Assert.That(rig.Sidecar, Is.Not.Null);
        RecordAnchor anchor = RecordAnchor.Read(rig.LogDevice!.Contents()[512..1024], out _)!;
        Assert.That((anchor.IsSidecar, anchor.AreaBytes), Is.EqualTo((true, 0L)));
        rig.Crash();
        var longer = new ScriptedDevice(rig.Loop, "log", new(512));
        rig.LogDevice!.Contents().CopyTo(longer.Contents());
        rig.ReplaceLogDevice(longer);
        rig.Start();
        Assert.That(rig.Mirror.Knowledge[0].Lacks.Contains(4));
        Assert.That(rig.Read(4 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 4)));
    }

    // Goal: who lacks what survives a crash and a clean stop, whichever leg it is, wherever it stands in the table.
    [Test]
    public void Who_lacks_what_survives(
        [Values(0, 1, 2)] int stale, [Values] bool clean, [Values] bool reordered)
    {
        MirrorRig rig = Degraded(stale, legs: 3, clean);
        if (reordered)
            rig.TableText = "0 32768 mirror disk 3 log 1024 nosync 3 leg2 0 leg0 0 leg1 0";
        rig.WithMirror(_ => MirrorRig.AsTheKernel).Start();
        int at = reordered ? (stale + 1) % 3 : stale;
        Assert.That(rig.Status, Does.Contain(" 30/32 1 AAA 3 disk log A"));
        for (int i = 0; i < 3; i++)
        {
            Assert.That(
                RegionRanges.Describe(rig.Mirror.Knowledge[i].Lacks), Is.EqualTo(i == at ? "4, 6" : ""), $"leg {i}");
        }
        Assert.That(rig.Read(4 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 4)));
        rig.Stop();
        rig.WithMirror(_ => new MirrorOptions()).Start();
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AAA "));
        rig.AssertLegsEqual();
        Assert.That(rig.Read(6 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 6)));
    }

    // Goal: a leg that now stands where the table has another word is known, although a leg is missing under its old word.
    [Test]
    public void A_leg_is_known_although_its_old_word_is_a_missing_legs()
    {
        MirrorRig rig = Stopped();
        rig.AddDevice("leg0", new MissingDevice(rig.Loop, "leg0", "ENOENT"));
        rig.AddDevice("leg1", rig.Legs[0]);
        rig.Identities["leg0"] = new LegIdentity { Kind = "device", Name = "nothing", SizeBytes = 0 };
        rig.Identities["leg1"] = new LegIdentity { Kind = "device", Name = "leg0", SizeBytes = rig.Sectors.Bytes };
        rig.Start();
        Assert.That(rig.Mirror.Knowledge[1].Lacks.Count, Is.Zero);
        Assert.That(rig.Mirror.Knowledge[0].Lacks.Count, Is.EqualTo(32));
    }

    // Goal: a leg that is not one of the record's is wholly copied, and never believed before.
    [Test]
    public void A_replaced_leg_is_wholly_copied([Values(0, 1)] int replaced, [Values] bool clean)
    {
        MirrorRig rig = Degraded(0, legs: 2, clean: true);
        rig.Start();
        Assert.That(rig.Status, Does.Contain(" 32/32 "));
        Leave(rig, clean);
        rig.Identities[$"leg{replaced}"] = new LegIdentity { Kind = "device", Name = "another" };
        rig.Legs[replaced].Contents().Fill(0xEE);
        rig.WithMirror(_ => MirrorRig.AsTheKernel).Start();
        Assert.That(rig.Mirror.Knowledge[replaced].Lacks.Count, Is.EqualTo(32));
        Assert.That(rig.Read(4 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 4)));
        Leave(rig, clean);
        rig.WithMirror(_ => new MirrorOptions()).Start();
        rig.Advance(5);
        Assert.That(rig.Status, Does.Contain(" 32/32 "));
        rig.AssertLegsEqual();
    }

    // Goal: when nobody who is known holds a region, nothing starts, with --sync-from neither: only --force gives up.
    [Test]
    public void Without_a_holder_only_force_starts()
    {
        MirrorRig rig = Degraded(0, legs: 2, clean: true);
        rig.Identities["leg1"] = new LegIdentity { Kind = "device", Name = "another" };
        Assert.That(rig.StartProblem<MapperException>(), Does.Contain("holds regions 4, 6 as log knows them"));
        rig.With(options => options with { SyncFrom = 0 });
        Assert.That(rig.StartProblem<MapperException>(), Does.Contain("--force"));
        rig.With(options => options with { Force = true }).Start();
        Assert.That(rig.Read(4 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 1)), "the old data");
    }

    // Goal: a leg that lacks data is refused as the one that is right, also where legs may differ after a crash; with
    // --force it is, and what it lacked is given up.
    [Test]
    public void A_leg_that_lacks_data_is_right_only_by_force([Values(0, 1)] int stale, [Values] bool clean)
    {
        MirrorRig rig = Degraded(stale, legs: 2, clean);
        rig.With(options => options with { SyncFrom = stale });
        Assert.That(rig.StartProblem<MapperException>(), Does.Contain("would copy a leg that lacks data over the good one (regions 4, 6)"));
        rig.With(options => options with { Force = true }).Start();
        Assert.That(rig.Read(4 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 1)));
        rig.Advance(5);
        Assert.That(rig.Status, Does.Contain(" 32/32 "));
        rig.AssertLegsEqual();
    }

    // Goal: a missing leg that alone holds data is waited for, with --sync-from too; --force goes on without it.
    [Test]
    public void A_missing_leg_that_alone_holds_data_is_waited_for()
    {
        MirrorRig rig = Degraded(0, legs: 2, clean: true);
        rig.Miss(1);
        Assert.That(rig.StartProblem<MapperException>(), Does.Contain("leg 1 (leg1) is missing, and it alone holds"));
        rig.With(options => options with { SyncFrom = 0 });
        Assert.That(rig.StartProblem<MapperException>(), Does.Contain("--force"));
        rig.With(options => options with { Force = true }).Start();
        Assert.That(rig.Status, Does.Contain(" 1 AD "));
    }

    // Goal: a missing leg that others can stand in for is started without; it lacks what is written meanwhile, and only
    // that is copied when it is back.
    [TestCase(0)]
    [TestCase(1)]
    public void A_missing_leg_is_started_without(int missing)
    {
        MirrorRig rig = Stopped();
        rig.Miss(missing);
        rig.Start();
        Assert.That(rig.Write(9 * 1024, seed: 9), Is.EqualTo(Errno.None));
        rig.Stop();
        rig.Find(missing);
        rig.Legs.ForEach(leg => leg.ClearLog());
        rig.Start();
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA "));
        rig.AssertLegsEqual();
        ScriptedCall[] copied = [.. rig.Legs[missing].Log.Where(call => call.Operation == BlockOperation.Write)];
        Assert.That(copied, Has.Length.EqualTo(1));
        Assert.That((copied[0].Start, copied[0].Count), Is.EqualTo((new Sectors(9 * 1024), new Sectors(1024))));
    }

    // Goal: a leg that was given up comes back: if nothing was written since it is good after all; otherwise it is a split
    // brain, told with the regions on both sides, and --sync-from resolves it either way, only there.
    [TestCase(null)]
    [TestCase(0)]
    [TestCase(1)]
    public void A_leg_that_was_given_up_comes_back(int? chosen)
    {
        MirrorRig rig = Degraded(0, legs: 2, clean: true);
        rig.Miss(1);
        rig.With(options => options with { SyncFrom = 0, Force = true }).Start();
        if (chosen is not null)
        {
            rig.Write(4 * 1024, seed: 40);
            rig.Write(20 * 1024, seed: 20);
        }
        rig.Stop();
        rig.Find(1);
        rig.With(options => options with { SyncFrom = null, Force = false });
        if (chosen is null)
        {
            rig.Start();
            Assert.That(rig.Read(4 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 4)));
            Assert.That(rig.Read(6 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 6)));
        }
        else
        {
            Assert.That(
                rig.StartProblem<MapperException>(),
                Does.Contain("split brain: leg 1").And.Contain("in regions 4, 6,").And.Contain("in regions 4, 20;"));
            rig.With(options => options with { SyncFrom = chosen }).Start();
            Assert.That(rig.Read(4 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, chosen == 0 ? 40 : 4)));
            Assert.That(rig.Read(6 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, chosen == 0 ? 1 : 6)));
        }
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA "));
        rig.AssertLegsEqual();
    }

    // Goal: the kernel used the mirror in between, without a dispute: where its log is dirty, leg 0 is right.
    [Test]
    public void The_kernel_in_between()
    {
        MirrorRig rig = Degraded(1, legs: 2, clean: true);
        KernelWrites(rig, 9, 90);
        rig.Start();
        Assert.That(rig.Log.Of(2005).Single(), Does.Contain("the kernel has used the mirror"));
        Assert.That(rig.Read(9 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 90)));
        Assert.That(rig.Read(4 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 4)));
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA "));
        rig.AssertLegsEqual();
    }

    // Goal: the kernel resynced all that was lacked: what the record says of clean regions counts for nothing.
    [Test]
    public void The_kernel_has_made_all_alike()
    {
        MirrorRig rig = Degraded(0, legs: 2, clean: true);
        rig.Legs[0].Contents().CopyTo(rig.Legs[1].Contents());
        GoldenLog.Of("32-regions-synced").Header.CopyTo(rig.LogDevice!.Contents());
        GoldenLog.Of("32-regions-synced").Bitmap.CopyTo(rig.LogDevice.Contents()[1024..]);
        rig.Log.Clear();
        rig.Start();
        Assert.That(rig.Log.Of(2006), Is.Empty);
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA "));
    }

    // Goal: with a dispute nothing starts, the regions are named, and either leg can be chosen; the choice counts there
    // and nowhere else.
    [TestCase(0, 90)]
    [TestCase(1, 4)]
    public void The_kernel_in_between_with_a_dispute(int chosen, int seed)
    {
        MirrorRig rig = Degraded(0, legs: 2, clean: true);
        KernelWrites(rig, 4, 90);
        KernelWrites(rig, 9, 99);
        // The kernel has resynced region 6 from leg 0 already: what leg 1 had there is gone.
        rig.LogDevice!.Contents()[1024] |= 1 << 6;
        rig.Legs[0].Contents(new(6 * 1024), new(1024)).CopyTo(rig.Legs[1].Contents(new(6 * 1024), new(1024)));
        Assert.That(
            rig.StartProblem<MapperException>(), Does.Contain("split brain: the kernel").And.Contain("in regions 4;"));
        rig.With(options => options with { SyncFrom = chosen }).Start();
        Assert.That(rig.Read(4 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, seed)));
        Assert.That(rig.Read(9 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 99)), "here nobody disputes the kernel");
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA "));
        rig.AssertLegsEqual();
    }

    // Goal: a choice in a dispute gives up nothing outside of it, though it is for a leg that nobody knows.
    [Test]
    public void A_choice_gives_up_nothing_outside_the_dispute()
    {
        MirrorRig rig = Degraded(0, legs: 2, clean: true);
        KernelWrites(rig, 4, 90);
        rig.Identities["leg0"] = new LegIdentity { Kind = "device", Name = "another" };
        rig.Legs[0].Contents(new(20 * 1024), new(1024)).Fill(0xEE);
        rig.With(options => options with { SyncFrom = 0 }).Start();
        Assert.That(rig.Read(4 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 90)));
        Assert.That(rig.Read(20 * 1024).Data, Is.All.Zero);
        rig.Advance(5);
        rig.AssertLegsEqual();
    }

    private static MirrorRig Kernel(GoldenLog golden)
    {
        var rig = new MirrorRig(log: MirrorRig.DiskLog);
        golden.Device((int)rig.LogDevice!.Length.Bytes).CopyTo(rig.LogDevice.Contents());
        return rig;
    }

    private static MirrorRig Stopped()
    {
        MirrorRig rig = new MirrorRig(log: "disk 3 log {0} nosync").Start();
        rig.Write(4 * 1024, seed: 1);
        rig.Write(6 * 1024, seed: 1);
        rig.Stop();
        return rig;
    }

    // A leg lacks regions 4 and 6, which hold the seeds 4 and 6 elsewhere and 1 on it.
    private static MirrorRig Degraded(int stale, int legs, bool clean)
    {
        MirrorRig rig = new MirrorRig(legs, log: "disk 3 log {0} nosync").Start();
        rig.Write(4 * 1024, seed: 1);
        rig.Write(6 * 1024, seed: 1);
        rig.Advance(10);
        rig.Legs[stale].FailAll();
        rig.Write(4 * 1024, seed: 4);
        rig.Write(6 * 1024, seed: 6);
        Leave(rig, clean);
        rig.Legs[stale].Heal();
        return rig;
    }

    private static void Leave(MirrorRig rig, bool clean)
    {
        if (clean)
            rig.Stop();
        else
            rig.Crash();
    }

    // What the kernel leaves that activates the mirror, writes a region to its first leg, and dies.
    private static void KernelWrites(MirrorRig rig, int region, int seed)
    {
        Span<byte> log = rig.LogDevice!.Contents();
        BinaryPrimitives.WriteUInt32LittleEndian(log[4..], 2);
        log[1024 + region / 8] &= (byte)~(1 << region % 8);
        MirrorRig.Bytes(8, seed).CopyTo(rig.Legs[0].Contents(new(region * 1024), new(8)));
    }

    private static void AssertRefused(MirrorRig rig, string problem)
    {
        byte[] before = rig.LogDevice!.Contents().ToArray();
        Assert.That(rig.StartProblem<MapperException>(), Does.Contain(problem));
        Assert.That(rig.LogDevice.Contents().SequenceEqual(before), "the log is left as it was");
    }
}
