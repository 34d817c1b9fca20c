using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class FlakeyTests
{
    private const string Device = "0 100 flakey leg0 8 ";

    // Goal: up and down take turns on the loop's clock, from the start of the target on, to the second.
    [Test]
    public void Is_up_and_down_in_turn()
    {
        MirrorRig rig = Flakey("10 5");
        for (int round = 0; round < 3; round++)
        {
            Assert.That(rig.Write(0), Is.EqualTo(Errno.None));
            rig.Advance(9.9);
            Assert.That(rig.Write(0), Is.EqualTo(Errno.None));
            rig.Advance(0.1);
            Assert.That(rig.Write(0), Is.EqualTo(Errno.EIO));
            Assert.That(rig.Read(0).Error, Is.EqualTo(Errno.EIO));
            rig.Advance(4.9);
            Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.EIO));
            rig.Advance(0.1);
        }
        Assert.That(rig.Legs[0].Log.Count, Is.EqualTo(6));
        Assert.That(rig.Legs[0].Log, Is.All.EqualTo(new ScriptedCall(BlockOperation.Write, default, new(8), new(8))));
    }

    // Goal: with no time up it is always down; with no time down never.
    [Test]
    public void May_be_down_always_or_never()
    {
        MirrorRig down = Flakey("0 60");
        Assert.That(down.Write(0), Is.EqualTo(Errno.EIO));
        down.Advance(60);
        Assert.That(down.Write(0), Is.EqualTo(Errno.EIO));
        MirrorRig up = Flakey("60 0");
        up.Advance(60);
        Assert.That(up.Write(0), Is.EqualTo(Errno.None));
    }

    // Goal: reads alone fail, at their first sector.
    [Test]
    public void Error_reads_fails_reads_alone()
    {
        MirrorRig rig = Flakey("0 1 1 error_reads");
        Assert.That(rig.Write(16), Is.EqualTo(Errno.None));
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.None));
        TestRequest read = rig.Submit(TestRequest.Read(new(16), new TestBuffer(512)));
        Assert.That((read.Error, read.FailedAt), Is.EqualTo((Errno.EIO, new Sectors(16))));
    }

    // Goal: what changes data fails, flushes too, and reads work.
    [Test]
    public void Error_writes_fails_what_changes_data()
    {
        MirrorRig rig = Flakey("0 1 1 error_writes");
        Assert.That(rig.Read(0).Error, Is.EqualTo(Errno.None));
        Assert.That(rig.Write(0), Is.EqualTo(Errno.EIO));
        Assert.That(rig.Do(TestRequest.Discard(new(0), new(8))), Is.EqualTo(Errno.EIO));
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.EIO));
    }

    // Goal: everything that changes data is acknowledged and lost, flushes too, and nothing of it reaches the device.
    [Test]
    public void Drop_writes_loses_what_it_acknowledges()
    {
        MirrorRig rig = Flakey("1 1 1 drop_writes");
        Assert.That(rig.Write(0, seed: 1), Is.EqualTo(Errno.None));
        rig.Legs[0].ClearLog();
        rig.Advance(1);
        Assert.That(rig.Write(0, seed: 2), Is.EqualTo(Errno.None));
        Assert.That(rig.Do(TestRequest.Discard(new(0), new(8))), Is.EqualTo(Errno.None));
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.None));
        Assert.That(rig.Legs[0].Log, Is.Empty);
        Assert.That(rig.Read(0).Data, Is.EqualTo(MirrorRig.Bytes(8, 1)));
    }

    // Goal: the byte that was named is replaced in what is read, not on the device, and only while down.
    [Test]
    public void A_byte_of_reads_is_corrupted()
    {
        MirrorRig rig = Flakey("1 1 5 corrupt_bio_byte 513 r 7 0");
        rig.Write(0);
        byte[] expected = MirrorRig.Bytes(8, 1);
        Assert.That(rig.Read(0).Data, Is.EqualTo(expected));
        rig.Advance(1);
        Assert.That(rig.Read(0, 1).Data, Is.EqualTo(expected[..512]), "too short to have that byte");
        expected[512] = 7;
        Assert.That(rig.Read(0).Data, Is.EqualTo(expected));
        Assert.That(rig.Legs[0].Contents(new(8), new(8)).SequenceEqual(MirrorRig.Bytes(8, 1)));
    }

    // Goal: the byte is replaced on the device, and the caller's memory stays as it is.
    [Test]
    public void A_byte_of_writes_is_corrupted_in_a_copy()
    {
        MirrorRig rig = Flakey("0 1 5 corrupt_bio_byte 1 W 0 0");
        TestBuffer buffer = TestBuffer.Random(new(8), 3);
        Assert.That(rig.Do(TestRequest.Write(new(0), buffer)), Is.EqualTo(Errno.None));
        byte[] expected = MirrorRig.Bytes(8, 3);
        Assert.That(buffer.Span.SequenceEqual(expected));
        expected[0] = 0;
        Assert.That(rig.Legs[0].Contents(new(8), new(8)).SequenceEqual(expected));
    }

    // Goal: the mask chooses requests by the bits of the kernel's operation word: 1 of a write, 131072 of FUA.
    [Test]
    public void A_mask_chooses_requests()
    {
        MirrorRig rig = Flakey("0 1 5 corrupt_bio_byte 1 w 0 131073");
        rig.Write(0);
        Assert.That(rig.Legs[0].Contents()[8 * 512], Is.Not.Zero);
        rig.Write(0, flags: BlockFlags.Fua);
        Assert.That(rig.Legs[0].Contents()[8 * 512], Is.Zero);
        Assert.That(rig.Legs[0].Log[^1].Flags, Is.EqualTo(BlockFlags.Fua));
    }

    // Goal: with certainty each request is corrupted in one byte, with a half about every second, by a seed always the same.
    [TestCase(1_000_000_000, 300, 300)]
    [TestCase(500_000_000, 110, 190)]
    [TestCase(1, 0, 0)]
    public void Random_corruption_is_as_often_as_said(int probability, int least, int most)
    {
        const int seed = 4711;
        TestContext.Out.WriteLine($"seed {seed}");
        MirrorRig rig = Flakey($"0 1 4 random_read_corrupt {probability} random_write_corrupt {probability}", seed);
        byte[] written = MirrorRig.Bytes(8, 1);
        int ofWrites = 0;
        int ofReads = 0;
        for (int i = 0; i < 300; i++)
        {
            rig.Write(0);
            byte[] stored = rig.Legs[0].Contents(new(8), new(8)).ToArray();
            int changed = Difference(stored, written);
            Assert.That(changed, Is.LessThanOrEqualTo(1));
            ofWrites += changed;
            byte[] read = rig.Read(0).Data;
            changed = Difference(stored, read);
            Assert.That(changed, Is.LessThanOrEqualTo(1));
            ofReads += changed;
        }
        // A random byte may be what was there.
        Assert.That((ofWrites, ofReads), Is.Not.EqualTo((0, 0)).Or.Matches<(int, int)>(_ => most == 0));
        Assert.That(ofWrites, Is.InRange(Math.Max(0, least - 10), most));
        Assert.That(ofReads, Is.InRange(Math.Max(0, least - 10), most));
    }

    // Goal: copies are given back: more is corrupted than finds room at once.
    [Test]
    public void Copies_are_given_back()
    {
        MirrorRig rig = Flakey("0 1 5 corrupt_bio_byte 1 w 0 0", sectors: 4096);
        for (int i = 0; i < 200; i++)
            Assert.That(rig.Write(0, 2048), Is.EqualTo(Errno.None));
        Assert.That(rig.Legs[0].Contents()[8 * 512], Is.Zero);
    }

    // Goal: the kernel's echo (the examples of dm-semantics D.1), features in its order, and an empty status.
    [TestCase("0 60", "0 60 2 error_reads error_writes")]
    [TestCase("0 60 0", "0 60 2 error_reads error_writes")]
    [TestCase("0 180 1 drop_writes", "0 180 1 drop_writes")]
    [TestCase("0 180 1 DROP_writes", "0 180 1 drop_writes")]
    [TestCase("1 2 5 corrupt_bio_byte 32 r 1 0", "1 2 5 corrupt_bio_byte 32 r 1 0")]
    [TestCase("0 1 4 random_read_corrupt 5 random_write_corrupt 6", "0 1 4 random_read_corrupt 5 random_write_corrupt 6")]
    [TestCase(
        "1 2 7 drop_writes error_reads Corrupt_Bio_Byte 32 R 1 0", "1 2 7 error_reads drop_writes corrupt_bio_byte 32 r 1 0")]
    public void Is_echoed_as_the_kernel_does(string arguments, string echo)
    {
        MirrorRig rig = Flakey(arguments);
        Assert.That(rig.Device.TableLine(), Is.EqualTo(Device + echo));
        Assert.That(rig.Status, Is.EqualTo("0 100 flakey"));
    }

    // Goal: the stop makes durable what reached the device, whatever period it is.
    [Test]
    public void The_stop_flushes_the_device()
    {
        MirrorRig rig = Flakey("0 1");
        rig.Stop();
        Assert.That(rig.Legs[0].Log.Single().Operation, Is.EqualTo(BlockOperation.Flush));
    }

    // Goal: nobody takes a hole for zeroes where reads are to fail or to be corrupted.
    [TestCase("1 1 1 drop_writes", ExtentKind.Hole)]
    [TestCase("1 1 1 error_reads", ExtentKind.Data)]
    [TestCase("1 1 5 corrupt_bio_byte 1 r 1 0", ExtentKind.Data)]
    public void Holes_are_told_where_they_read_as_zeroes(string arguments, ExtentKind kind)
    {
        MirrorRig rig = Flakey(arguments);
        rig.Legs[0].Extents = (start, count) => [new(start, count, ExtentKind.Hole)];
        Assert.That(
            rig.Loop.Run(() => rig.Device.ReadExtentsAsync(new(10), new(20))),
            Is.EqualTo([new BlockExtent(new(10), new(20), kind)]));
    }

    private static int Difference(byte[] a, byte[] b) => a.Zip(b).Count(pair => pair.First != pair.Second);

    private static MirrorRig Flakey(string arguments, int seed = 1, long sectors = 100)
    {
        var rig = new MirrorRig { TableText = Device.Replace("100", $"{sectors}", StringComparison.Ordinal) + arguments };
        return rig.With(options => options with { NewRandom = () => new Random(seed) }).Start();
    }
}
