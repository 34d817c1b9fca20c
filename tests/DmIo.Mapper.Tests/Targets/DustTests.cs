using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class DustTests
{
    // Goal: until it is enabled bad blocks are no hindrance; then they cannot be read, the others can.
    [Test]
    public void Bad_blocks_cannot_be_read_once_enabled()
    {
        MirrorRig rig = Dust();
        rig.Write(0, 64);
        Send(rig, "addbadblock 3");
        Assert.That(rig.Read(0, 64).Error, Is.EqualTo(Errno.None));
        Send(rig, "enable");
        TestRequest read = rig.Submit(TestRequest.Read(new(20), new TestBuffer(20 * 512)));
        Assert.That((read.Error, read.FailedAt), Is.EqualTo((Errno.EIO, new Sectors(24))));
        Assert.That(rig.Read(0, 24).Data, Is.EqualTo(MirrorRig.Bytes(64, 1)[..(24 * 512)]));
        Assert.That(rig.Read(32, 32).Error, Is.EqualTo(Errno.None));
        Assert.That(rig.Read(31, 1).Error, Is.EqualTo(Errno.EIO), "a part of a bad block is as bad");
        Send(rig, "disable");
        Assert.That(rig.Read(0, 64).Error, Is.EqualTo(Errno.None));
    }

    // Goal: a write makes a bad block good, as a disk that remaps it; the rest of the request is written all the same.
    [Test]
    public void A_write_remaps_a_bad_block()
    {
        MirrorRig rig = Dust();
        Send(rig, "addbadblock 0", "addbadblock 2", "enable");
        Assert.That(rig.Write(4, 16), Is.EqualTo(Errno.None));
        Assert.That(Send(rig, "countbadblocks"), Is.EqualTo("countbadblocks: 0 badblock(s) found"));
        Assert.That(rig.Read(4, 16).Data, Is.EqualTo(MirrorRig.Bytes(16, 1)));
        Assert.That(rig.Log.Of(2041), Does.Contain("vol0: dust: block 0 removed from badblocklist by write"));
    }

    // Goal: a write fails as often as was said, each time at its bad block, then the block is good.
    [Test]
    public void Writes_fail_as_often_as_said()
    {
        MirrorRig rig = Dust();
        Send(rig, "addbadblock 1 2", "enable");
        for (int i = 0; i < 2; i++)
        {
            TestRequest write = rig.Submit(TestRequest.Write(new(0), TestBuffer.Random(new(24), 5)));
            Assert.That((write.Error, write.FailedAt), Is.EqualTo((Errno.EIO, new Sectors(8))));
            Assert.That(rig.Read(8).Error, Is.EqualTo(Errno.EIO));
        }
        Assert.That(rig.Legs[0].Contents(new(16), new(8)).SequenceEqual(MirrorRig.Bytes(24, 5).AsSpan(16 * 512)));
        Assert.That(rig.Write(0, 24), Is.EqualTo(Errno.None));
        Assert.That(rig.Read(0, 24).Data, Is.EqualTo(MirrorRig.Bytes(24, 1)));
    }

    // Goal: a discard is a write of every block that it touches; a flush touches none.
    [Test]
    public void A_discard_is_a_write()
    {
        MirrorRig rig = Dust();
        Send(rig, "addbadblock 0", "addbadblock 5 1", "addbadblock 6", "enable");
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.None));
        TestRequest discard = rig.Submit(TestRequest.Discard(new(32), new(32)));
        Assert.That((discard.Error, discard.FailedAt), Is.EqualTo((Errno.EIO, new Sectors(40))));
        Assert.That(Send(rig, "listbadblocks"), Is.EqualTo("0\n5"));
        Assert.That(rig.Device.WriteZeroesLimit, Is.EqualTo(Sectors.Zero), "zeroes are written as data, as in the kernel");
    }

    // Goal: blocks are counted on the device, not on the target.
    [Test]
    public void Blocks_are_those_of_the_device()
    {
        MirrorRig rig = Dust("0 64 dust leg0 16 4096");
        Send(rig, "addbadblock 2", "enable");
        Assert.That(rig.Read(0, 8).Error, Is.EqualTo(Errno.EIO));
        Assert.That(rig.Read(8, 56).Error, Is.EqualTo(Errno.None));
    }

    // Goal: where the offset is no multiple of a block, a piece is asked for the block in which it begins, as in the kernel.
    [Test]
    public void An_odd_offset_is_as_in_the_kernel()
    {
        MirrorRig rig = Dust("0 64 dust leg0 4 4096");
        Send(rig, "addbadblock 1", "enable");
        Assert.That(rig.Read(0, 8).Error, Is.EqualTo(Errno.None), "begins in block 0 of the device");
        TestRequest read = rig.Submit(TestRequest.Read(new(0), new TestBuffer(64 * 512)));
        Assert.That((read.Error, read.FailedAt), Is.EqualTo((Errno.EIO, new Sectors(8))));
    }

    // Goal: the kernel's status and table.
    [Test]
    public void Status_and_table_are_the_kernels()
    {
        MirrorRig rig = Dust();
        Assert.That(rig.Device.TableLine(), Is.EqualTo("0 64 dust leg0 0 4096"));
        Assert.That(rig.Status, Is.EqualTo("0 64 dust leg0 bypass verbose"));
        Send(rig, "enable", "quiet");
        Assert.That(rig.Status, Is.EqualTo("0 64 dust leg0 fail_read_on_bad_block quiet"));
        Send(rig, "disable", "QUIET");
        Assert.That(rig.Status, Is.EqualTo("0 64 dust leg0 bypass verbose"));
    }

    // Goal: the kernel's answers to its messages.
    [Test]
    public void Messages_are_answered_as_the_kernel_does()
    {
        MirrorRig rig = Dust();
        Assert.That(Send(rig, "countbadblocks"), Is.EqualTo("countbadblocks: 0 badblock(s) found"));
        Assert.That(Send(rig, "clearbadblocks"), Is.EqualTo("dust_clear_badblocks: no badblocks found"));
        Assert.That(Send(rig, "listbadblocks"), Is.Empty);
        Assert.That(Send(rig, "addbadblock 7"), Is.Empty);
        Assert.That(Send(rig, "AddBadBlock 2 255"), Is.Empty);
        Assert.That(Send(rig, "listbadblocks"), Is.EqualTo("2\n7"));
        Assert.That(Send(rig, "queryblock 7"), Is.EqualTo("dust_query_block: block 7 found in badblocklist"));
        Assert.That(Send(rig, "queryblock 6"), Is.EqualTo("dust_query_block: block 6 not found in badblocklist"));
        Assert.That(Send(rig, "removebadblock 7"), Is.Empty);
        Assert.That(Send(rig, "countbadblocks"), Is.EqualTo("countbadblocks: 1 badblock(s) found"));
        Assert.That(Send(rig, "clearbadblocks"), Is.EqualTo("dust_clear_badblocks: badblocks cleared"));
        Assert.That(rig.Log.Of(2041), Is.EqualTo(new[]
        {
            "vol0: dust: badblock added at block 7 with write fail count 0",
            "vol0: dust: badblock added at block 2 with write fail count 255", "vol0: dust: badblock removed at block 7",
        }));
        rig.Log.Clear();
        Send(rig, "quiet", "addbadblock 1", "removebadblock 1");
        Assert.That(rig.Log.Lines, Is.Empty);
    }

    // Goal: what is no message is refused in the kernel's words, with those that there are.
    [TestCase("frobnicate", "dust: unrecognized message 'frobnicate' received; known are addbadblock BLOCK")]
    [TestCase("enable 1", "unrecognized message 'enable' received")]
    [TestCase("queryblock 1 2", "unrecognized message 'queryblock' received")]
    [TestCase("addbadblock", "addbadblock requires an additional argument")]
    [TestCase("addbadblock x", "'x' is no number of a block; leg0 has blocks 0 to 11")]
    [TestCase("addbadblock 12", "selected block value out of range: leg0 has blocks 0 to 11")]
    [TestCase("addbadblock 1 256", "selected write fail count out of range: '256'")]
    [TestCase("addbadblock 1 2 3", "invalid number of arguments '4'")]
    [TestCase("addbadblock 5", "block 5 already in badblocklist")]
    [TestCase("removebadblock 4", "block 4 not found in badblocklist")]
    public void Refuses_in_the_kernels_words(string message, string problem)
    {
        MirrorRig rig = Dust();
        Send(rig, "addbadblock 5");
        Assert.That(
            () => Send(rig, message), Throws.TypeOf<MapperException>().With.Message.Contains(problem));
    }

    // Goal: what cannot be read is not told to be a hole.
    [Test]
    public void No_holes_are_told_where_reads_may_fail()
    {
        MirrorRig rig = Dust();
        rig.Legs[0].Extents = (start, count) => [new(start, count, ExtentKind.Hole)];
        Assert.That(Extents(rig), Is.EqualTo(ExtentKind.Hole));
        Send(rig, "addbadblock 5", "enable");
        Assert.That(Extents(rig), Is.EqualTo(ExtentKind.Data));
    }

    // Goal: blocks smaller than what the device can be read in could not be good and bad one by one.
    [Test]
    public void A_block_is_no_smaller_than_a_logical_block()
    {
        var rig = new MirrorRig { TableText = "0 64 dust big 0 512" };
        rig.AddDevice("big", new ScriptedDevice(rig.Loop, "big", new(4096), 4096));
        Assert.That(rig.StartProblem<MapperException>(), Does.Contain("a block size of 512 bytes and a device with a logical block size of 4096"));
    }

    private static ExtentKind Extents(MirrorRig rig) =>
        rig.Loop.Run(() => rig.Device.ReadExtentsAsync(new(0), new(64))).Single().Kind;

    private static MirrorRig Dust(string table = "0 64 dust leg0 0 4096") =>
        new MirrorRig(sectors: 96) { TableText = table }.Start();

    private static string Send(MirrorRig rig, params string[] messages)
    {
        string answer = "";
        foreach (string message in messages)
            answer = rig.Loop.Finish(rig.Device.MessageAsync(Sectors.Zero, message.Split(' ')));
        return answer;
    }
}
