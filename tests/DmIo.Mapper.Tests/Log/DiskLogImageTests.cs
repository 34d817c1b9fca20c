using System.Buffers.Binary;
using DmIo.Testing;

namespace DmIo.Mapper.Tests;

/// <summary>The bytes of the log device of a mirror of 32 regions of 1024 sectors, as the engine writes them.</summary>
public sealed class DiskLogImageTests
{
    // Goal: a mirror that is born leaves the kernel's header with the canary version, all bits clean, and an anchor.
    [Test]
    public void Birth()
    {
        MirrorRig rig = Born();
        Assert.That(Kernel(rig), Is.EqualTo("72 52 69 4D 01 00 00 00 20 00 00 00 00 00 00 00 | FF FF FF FF 00 00 00 00"));
        RecordAnchor anchor = AnchorOf(rig)!;
        Assert.That(anchor.IsActive);
        Assert.That(anchor.Slots.Count(slot => slot.IsUsed), Is.EqualTo(2));
        Assert.That(rig.Store.Text, Is.Null, "a mirror with a log device has no state file");
    }

    // Goal: no leg sees a write before the dirty bit is written and flushed; a read does not wait.
    [Test]
    public void The_dirty_bit_is_durable_before_the_data()
    {
        MirrorRig rig = Born();
        rig.LogDevice!.Holds = true;
        TestRequest write = rig.Submit(Write(9 * 1024));
        Assert.That(rig.Read(0).Error, Is.EqualTo(Errno.None));
        rig.LogDevice.ReleaseFirst();
        rig.Loop.RunUntilIdle();
        Assert.That(rig.LogDevice.Held.Single().Operation, Is.EqualTo(BlockOperation.Flush));
        Assert.That(rig.Legs.Any(leg => leg.Log.Any(call => call.Operation == BlockOperation.Write)), Is.False);
        rig.LogDevice.ReleaseFirst();
        rig.Loop.RunUntilIdle();
        Assert.That((write.Completions, write.Error), Is.EqualTo((1, Errno.None)));
    }

    // Goal: only the block with the bit is written, and one commit serves all who came meanwhile.
    [Test]
    public void Many_writers_share_a_commit()
    {
        MirrorRig rig = Born();
        rig.LogDevice!.ClearLog();
        rig.LogDevice.Holds = true;
        var writes = new List<TestRequest>();
        for (int region = 0; region < 32; region++)
            writes.Add(rig.Submit(Write(region * 1024)));
        while (rig.LogDevice.Held.Count > 0)
        {
            rig.LogDevice.ReleaseAll();
            rig.Loop.RunUntilIdle();
        }
        Assert.That(writes.Select(write => write.Error), Is.All.EqualTo(Errno.None));
        Assert.That(writes.Select(write => write.Completions), Is.All.EqualTo(1));
        var block = new ScriptedCall(BlockOperation.Write, BlockFlags.None, new(2), new(1));
        var flush = new ScriptedCall(BlockOperation.Flush, BlockFlags.None, default, default);
        Assert.That(rig.LogDevice.Log, Is.EqualTo(new[] { block, flush, block, flush }));
    }

    // Goal: a region that is written again before it was marked clean costs no write of the log.
    [Test]
    public void A_dirty_region_is_written_without_the_log()
    {
        MirrorRig rig = Born();
        rig.Write(0);
        rig.LogDevice!.ClearLog();
        rig.Write(8);
        rig.Advance(4);
        rig.Write(16);
        rig.Advance(4);
        Assert.That(rig.LogDevice.Log, Is.Empty);
        rig.Advance(2);
        Assert.That(rig.LogDevice.Log, Has.Count.EqualTo(1), "idle for five seconds: marked clean, without a flush");
        Assert.That(Bits(rig), Does.StartWith("FF FF FF FF"));
    }

    // Goal: a region is marked clean only when every leg has been flushed since its last write.
    [Test]
    public void A_region_is_marked_clean_after_the_legs_were_flushed()
    {
        MirrorRig rig = Born();
        rig.Write(3 * 1024);
        rig.Legs[1].Holds = true;
        rig.Advance(20);
        Assert.That(rig.Legs[1].Held.Single().Operation, Is.EqualTo(BlockOperation.Flush));
        Assert.That(Bits(rig), Does.StartWith("F7 FF FF FF"));
        rig.Legs[1].ReleaseFirst();
        rig.Loop.RunUntilIdle();
        Assert.That(Bits(rig), Does.StartWith("FF FF FF FF"));
    }

    // Goal: a client's flush counts: a region that it covers is marked clean without another.
    [Test]
    public void A_flush_of_the_client_saves_ours()
    {
        MirrorRig rig = Born();
        rig.Write(3 * 1024);
        rig.Do(TestRequest.Flush());
        rig.Legs.ForEach(leg => leg.ClearLog());
        rig.Advance(6);
        Assert.That(Bits(rig), Does.StartWith("FF FF FF FF"));
        Assert.That(rig.Legs.SelectMany(leg => leg.Log), Is.Empty);
    }

    // Goal: after a clean stop with all legs in sync the log is the kernel's golden image, byte for byte, in all that the
    // kernel has in it.
    [Test]
    public void A_clean_stop_leaves_the_kernels_image()
    {
        MirrorRig rig = Born();
        rig.Write(9 * 1024);
        rig.Write(31 * 1024);
        rig.Stop();
        byte[] golden = GoldenLog.Of("32-regions-synced").Device(1536);
        byte[] found = rig.LogDevice!.Contents()[..1536].ToArray();
        Assert.That(AnchorOf(rig)!.IsActive, Is.False);
        found.AsSpan(RecordAnchor.OffsetBytes, RecordAnchor.SizeBytes).Clear();
        Assert.That(found, Is.EqualTo(golden));
    }

    // Goal: a crash during writes to regions 9 and 31 leaves the kernel's golden dirty bits under the canary version.
    [Test]
    public void A_crash_image()
    {
        MirrorRig rig = Born();
        rig.Legs[1].Holds = true;
        rig.Submit(Write(9 * 1024));
        rig.Submit(Write(31 * 1024));
        rig.Crash();
        byte[] golden = GoldenLog.Of("crash-during-writes-to-9-and-31").Device(1536);
        BinaryPrimitives.WriteUInt32LittleEndian(golden.AsSpan(4), 1);
        byte[] found = rig.LogDevice!.Contents()[..1536].ToArray();
        found.AsSpan(RecordAnchor.OffsetBytes, RecordAnchor.SizeBytes).Clear();
        Assert.That(found, Is.EqualTo(golden));
        rig.StartBusy();
        Assert.That(rig.Log.Of(2006).Single(), Does.Contain("recovery begins, 2 regions"));
        rig.AssertLegsEqual();
    }

    // Goal: a commit that is done leaves on the device what the engine knows: which leg lacks which regions.
    [Test]
    public void The_record_says_which_leg_lacks_which_regions()
    {
        MirrorRig rig = Born();
        rig.Legs[1].FailAll();
        Assert.That(rig.Write(4 * 1024), Is.EqualTo(Errno.None));
        Assert.That(rig.Write(6 * 1024), Is.EqualTo(Errno.None));
        Assert.That(Bits(rig), Does.StartWith("AF FF FF FF"));
        Assert.That(LacksOf(rig, 0), Is.Empty);
        Assert.That(LacksOf(rig, 1), Is.EqualTo(new long[] { 4, 6 }));
        Assert.That(AnchorOf(rig)!.Epoch, Is.EqualTo(1));
    }

    // Goal: on a device with blocks of 4096 bytes everything is written in whole blocks.
    [Test]
    public void Whole_blocks_on_a_device_with_large_ones()
    {
        var rig = new MirrorRig(log: "disk 3 log {0} nosync");
        rig.ReplaceLogDevice(new ScriptedDevice(rig.Loop, "log", new(512), 4096));
        rig.Start();
        rig.Legs[1].FailAll();
        Assert.That(rig.Write(4 * 1024), Is.EqualTo(Errno.None));
        Assert.That(
            rig.LogDevice!.Log.All(call => call.Start.Count % 8 == 0 && call.Count.Count % 8 == 0), "whole blocks");
        Assert.That(Bits(rig), Does.StartWith("EF FF FF FF"));
        Assert.That(LacksOf(rig, 1), Is.EqualTo(new long[] { 4 }));
    }

    private static MirrorRig Born() => new MirrorRig(log: "disk 3 log {0} nosync").Start();

    private static TestRequest Write(long sector, int seed = 1) =>
        TestRequest.Write(new Sectors(sector), TestBuffer.Random(new Sectors(8), seed));

    private static string Kernel(MirrorRig rig) => $"{Hex(rig, 0, 16)} | {Bits(rig)}";

    private static string Bits(MirrorRig rig) => Hex(rig, 1024, 8);

    private static string Hex(MirrorRig rig, int at, int count) =>
        BitConverter.ToString(rig.LogDevice!.Contents().Slice(at, count).ToArray()).Replace('-', ' ');

    private static RecordAnchor? AnchorOf(MirrorRig rig) => RecordAnchor.Read(
        rig.LogDevice!.Contents().Slice(RecordAnchor.OffsetBytes, RecordAnchor.SizeBytes), out _);

    private static long[] LacksOf(MirrorRig rig, int slot)
    {
        RecordAnchor anchor = AnchorOf(rig)!;
        int at = (int)(anchor.AreaBytes + RecordArea.DescriptionBytes + slot * anchor.StrideBytes);
        byte[] bits = rig.LogDevice!.Contents().Slice(at, 4).ToArray();
        return [.. Enumerable.Range(0, 32).Where(i => (bits[i / 8] >> i % 8 & 1) != 0).Select(i => (long)i)];
    }
}
