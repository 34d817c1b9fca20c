using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class LogWritesTests
{
    // Goal: the order of the kernel's documentation: what had ended when the flush was sent, in the order of ending, then the
    // flush; what ended later comes with the next flush.
    [Test]
    public void Writes_are_logged_when_the_flush_ends()
    {
        LogWritesRig rig = new LogWritesRig().Start();
        rig.Data.Holds = true;
        TestRequest w1 = rig.SubmitWrite(8);
        TestRequest w2 = rig.SubmitWrite(16);
        TestRequest w3 = rig.SubmitWrite(24);
        Release(rig, 2);
        Release(rig, 1);
        TestRequest flush = rig.Submit(TestRequest.Flush());
        Release(rig, 0);
        Assert.That(new[] { w1, w2, w3 }.Select(write => write.Completions), Is.All.EqualTo(1));
        Assert.That(rig.Entries, Is.Empty);
        Release(rig, 0);
        Assert.That(flush.Completions, Is.EqualTo(1));
        Assert.That(rig.Entries, Is.EqualTo("W24+8 W16+8 F"));
        rig.Data.Holds = false;
        rig.Submit(TestRequest.Flush());
        Assert.That(rig.Entries, Is.EqualTo("W24+8 W16+8 F W8+8 F"));
    }

    // Goal: FUA is logged as soon as it has ended; discards wait as writes do.
    [Test]
    public void Fua_is_logged_at_once()
    {
        LogWritesRig rig = new LogWritesRig().Start();
        rig.SubmitWrite(8);
        rig.Submit(TestRequest.Discard(new(8), new(4)));
        rig.SubmitWrite(16, flags: BlockFlags.Fua);
        Assert.That(rig.Entries, Is.EqualTo("U16+8"));
        rig.SubmitWrite(24, flags: BlockFlags.Fua | BlockFlags.Preflush);
        Assert.That(rig.Entries, Is.EqualTo("U16+8 W8+8 D8+4 F U24+8"));
    }

    // Goal: the bytes of a whole small log, as the kernel leaves them at the end.
    [Test]
    public void A_whole_log_is_the_kernels()
    {
        LogWritesRig rig = new LogWritesRig().Start();
        rig.SubmitWrite(8, seed: 5, count: 2);
        rig.Mark("half");
        rig.Base.Stop();
        byte[] expected = new byte[8192 * 512];
        Put(0, "7268737766736A00" + "0100000000000000" + "0300000000000000" + "00020000");
        Put(1, "0000000000000000" + "0000000000000000" + "0800000000000000" + "0400000000000000" + "68616C66");
        Put(2, "0800000000000000" + "0200000000000000" + "0000000000000000" + "0000000000000000");
        MirrorRig.Bytes(2, 5).CopyTo(expected, 3 * 512);
        Put(5, "0000000000000000" + "0000000000000000" + "0800000000000000" + "1100000000000000"
            + "646D2D6C6F672D7772697465732D656E64");
        Assert.That(rig.LogDevice.Contents().SequenceEqual(expected));
        Assert.That(rig.LogDevice.Log[^1].Operation, Is.EqualTo(BlockOperation.Flush));

        void Put(int sector, string hex) => Convert.FromHexString(hex).CopyTo(expected, sector * 512);
    }

    // Goal: the kernel's status and table: entries, and the last sector of 512 bytes in use.
    [Test]
    public void Status_and_table_are_the_kernels()
    {
        LogWritesRig rig = new LogWritesRig().Start();
        Assert.That(rig.Base.Device.TableLine(), Is.EqualTo("0 256 log-writes data log"));
        Assert.That(rig.Base.Status, Is.EqualTo("0 256 log-writes 0 0"));
        rig.SubmitWrite(0);
        Assert.That(rig.Base.Status, Is.EqualTo("0 256 log-writes 0 0"));
        rig.Submit(TestRequest.Flush());
        Assert.That(rig.Base.Status, Is.EqualTo("0 256 log-writes 2 10"));
        rig.Mark("a");
        Assert.That(rig.Base.Status, Is.EqualTo("0 256 log-writes 3 11"));
        rig.Submit(TestRequest.Discard(new(0), new(64)));
        rig.Submit(TestRequest.Flush());
        Assert.That(rig.Base.Status, Is.EqualTo("0 256 log-writes 5 13"));
    }

    // Goal: a log in larger sectors, those of the device.
    [Test]
    public void Sectors_of_the_log_are_those_of_the_device()
    {
        LogWritesRig rig = new LogWritesRig(blockBytes: 4096).Start();
        rig.SubmitWrite(16, seed: 2);
        rig.Submit(TestRequest.Flush());
        Assert.That(rig.Base.Status, Is.EqualTo("0 256 log-writes 2 31"));
        Assert.That(rig.LogDevice.Contents()[8 * 512], Is.EqualTo(2), "sector 2 of 4096 bytes");
        Assert.That(rig.LogDevice.Contents(new(16), new(8)).SequenceEqual(MirrorRig.Bytes(8, 2)));
        rig.Base.Stop();
        Assert.That(rig.Entries, Is.EqualTo("W16+8 F M:dm-log-writes-end"));
        Assert.That(rig.Replay(new LogWritesRange()), Is.EqualTo(rig.Data.Contents().ToArray()));
    }

    // Goal: the data in the log is that of the write, whatever its maker does with the memory afterwards; and data is
    // written to the device and to the log as it was.
    [Test]
    public void The_log_has_the_data_as_it_was_written()
    {
        LogWritesRig rig = new LogWritesRig().Start();
        TestBuffer buffer = TestBuffer.Random(new(8), 1);
        rig.Submit(TestRequest.Write(new(8), buffer));
        buffer.Span.Clear();
        rig.Submit(TestRequest.Flush());
        Assert.That(rig.Replay(new LogWritesRange())[(8 * 512)..(16 * 512)], Is.EqualTo(MirrorRig.Bytes(8, 1)));
    }

    // Goal: what failed is not in the log; after a flush that failed its writes are logged by the next that does not.
    [Test]
    public void What_failed_is_not_logged()
    {
        LogWritesRig rig = new LogWritesRig().Start();
        rig.Data.Fail(new(100), new(1));
        Assert.That(rig.SubmitWrite(96).Error, Is.EqualTo(Errno.EIO));
        rig.SubmitWrite(8);
        rig.Data.Holds = true;
        TestRequest flush = rig.Submit(TestRequest.Flush());
        rig.SubmitWrite(16);
        Release(rig, 1);
        rig.Data.FailAll(Errno.EIO, BlockOperation.Flush);
        Release(rig, 0);
        Assert.That(flush.Error, Is.EqualTo(Errno.EIO));
        Assert.That(rig.Entries, Is.Empty);
        rig.Data.Heal();
        rig.Data.Holds = false;
        rig.Submit(TestRequest.Flush());
        Assert.That(rig.Entries, Is.EqualTo("W8+8 W16+8 F"));
    }

    // Goal: a device that cannot discard is given none, and the log has it, as in the kernel.
    [Test]
    public void Discards_are_logged_whether_or_not_the_device_can()
    {
        var rig = new LogWritesRig();
        rig.Data.DiscardCapability = Sectors.Zero;
        rig.Start();
        rig.SubmitWrite(0);
        Assert.That(rig.Submit(TestRequest.Discard(new(0), new(8))).Error, Is.EqualTo(Errno.None));
        rig.Submit(TestRequest.Flush());
        Assert.That(rig.Entries, Is.EqualTo("W0+8 D0+8 F"));
        Assert.That(rig.Data.Log.Any(call => call.Operation == BlockOperation.Discard), Is.False);
        Assert.That(rig.Base.Device.DiscardLimit, Is.EqualTo(new Sectors(256)));
        Assert.That(rig.Base.Device.WriteZeroesLimit, Is.EqualTo(Sectors.Zero));
    }

    // Goal: a log that cannot be written disables the logging, once and for good, and data is served on.
    [Test]
    public void A_log_that_fails_is_disabled()
    {
        LogWritesRig rig = new LogWritesRig().Start();
        rig.LogDevice.FailAll(Errno.ENOSPC);
        rig.SubmitWrite(0);
        Assert.That(rig.Submit(TestRequest.Flush()).Error, Is.EqualTo(Errno.None));
        Assert.That(rig.Base.Status, Is.EqualTo("0 256 log-writes 2 10 logging_disabled"));
        Assert.That(rig.Base.Log.Of(2042).Single(), Does.Contain("disabled: log could not be written: ENOSPC"));
        Assert.That(rig.Base.Device.EventNumber, Is.EqualTo(1));
        rig.LogDevice.Heal();
        rig.LogDevice.ClearLog();
        Assert.That(rig.SubmitWrite(8, flags: BlockFlags.Fua).Error, Is.EqualTo(Errno.None));
        rig.Submit(TestRequest.Flush());
        Assert.That(
            () => rig.Mark("x"), Throws.TypeOf<MapperException>().With.Message.Contains("logging is disabled"));
        rig.Base.Stop();
        Assert.That(rig.LogDevice.Log, Is.Empty);
    }

    // Goal: a full log is disabled with the kernel's words; what is in it can be replayed.
    [Test]
    public void A_full_log_is_disabled()
    {
        LogWritesRig rig = new LogWritesRig(logSectors: 32).Start();
        for (int i = 0; i < 4; i++)
        {
            rig.SubmitWrite(i * 8);
            rig.Submit(TestRequest.Flush());
        }
        Assert.That(rig.Base.Status, Is.EqualTo("0 256 log-writes 6 30 logging_disabled"));
        Assert.That(rig.Base.Log.Of(2042).Single(), Does.Contain("Ran out of space on the logdev"));
        Assert.That(rig.Entries, Is.EqualTo("W0+8 F W8+8 F W16+8 F"));
    }

    // Goal: a client that never flushes fills no memory: the target flushes for itself, which the log does not show, and
    // writes wait for a log that is slower.
    [Test]
    public void Memory_is_bounded()
    {
        const int writes = 100;
        LogWritesRig rig = new LogWritesRig(sectors: 2048, logSectors: 2049 * writes + 8).Start();
        rig.LogDevice.Holds = true;
        TestBuffer buffer = TestBuffer.Random(new(2048), 3);
        TestRequest[] requests = [.. Enumerable.Range(0, writes).Select(_ => TestRequest.Write(new(0), buffer))];
        foreach (TestRequest request in requests)
            rig.Submit(request);
        Assert.That(requests.Count(request => request.IsCompleted), Is.EqualTo(64));
        Assert.That(rig.Data.Log.Count(call => call.Operation == BlockOperation.Flush), Is.EqualTo(1));
        rig.LogDevice.Holds = false;
        rig.LogDevice.ReleaseAll();
        rig.Base.Loop.RunUntilIdle();
        Assert.That(requests.Select(request => (request.Completions, request.Error)), Is.All.EqualTo((1, Errno.None)));
        rig.Base.Stop();
        Assert.That(rig.Read().Select(entry => entry.Flags), Is.EqualTo(
            Enumerable.Repeat(LogWritesFlags.None, writes).Append(LogWritesFlags.Mark)));
    }

    // Goal: when the device cannot be flushed to make room, the logging ends and the writes do not hang.
    [Test]
    public void Writes_go_on_when_no_room_can_be_made()
    {
        LogWritesRig rig = new LogWritesRig(sectors: 2048).Start();
        rig.Data.FailAll(Errno.EIO, BlockOperation.Flush);
        TestBuffer buffer = TestBuffer.Random(new(2048), 3);
        TestRequest[] requests = [.. Enumerable.Range(0, 70).Select(_ => rig.Submit(TestRequest.Write(new(0), buffer)))];
        Assert.That(requests.Select(request => (request.Completions, request.Error)), Is.All.EqualTo((1, Errno.None)));
        Assert.That(rig.Base.Status, Does.EndWith(" logging_disabled"));
    }

    // Goal: wrong messages are refused with what there is.
    [TestCase("Unrecognised log writes target message received: frob; known is mark TEXT", "frob")]
    [TestCase("expect 2 arguments, got 1", "mark")]
    [TestCase("expect 2 arguments, got 3", "mark", "a", "b")]
    public void Refuses_in_the_kernels_words(string problem, params string[] words)
    {
        LogWritesRig rig = new LogWritesRig().Start();
        Assert.That(
            () => rig.Base.Loop.Finish(rig.Base.Device.MessageAsync(new(0), words)),
            Throws.TypeOf<MapperException>().With.Message.Contains(problem));
    }

    // Goal: a mark is as long as a sector has room, and no longer; nothing is cut off in silence.
    [Test]
    public void A_mark_must_fit()
    {
        LogWritesRig rig = new LogWritesRig().Start();
        string text = new('x', 479);
        Assert.That(rig.Mark(text), Is.Empty);
        Assert.That(rig.Entries, Is.EqualTo("M:" + text));
        Assert.That(
            () => rig.Mark(text + "x"), Throws.TypeOf<MapperException>().With.Message.Contains("has room for 479 bytes"));
    }

    // Goal: a log that cannot be used is told at the start.
    [Test]
    public void A_useless_log_is_told_at_the_start()
    {
        var rig = new LogWritesRig();
        rig.LogDevice.FailAll(Errno.EROFS);
        Assert.That(rig.Base.StartProblem<MapperException>(), Does.Contain("the log log could not be written: EROFS"));
        rig.Base.AddDevice("big", new ScriptedDevice(rig.Base.Loop, "big", new(4096), 4096));
        rig.Base.TableText = "0 256 log-writes data big";
        Assert.That(rig.Base.StartProblem<MapperException>(), Does.Contain("blocks that are no larger"));
        rig.Base.TableText = "0 256 log-writes data nowhere";
        Assert.That(rig.Base.StartProblem<MapperException>(), Does.Contain("Log device lookup failed: nowhere: ENOENT"));
    }

    private static void Release(LogWritesRig rig, int index)
    {
        rig.Data.Release(rig.Data.Held[index]);
        rig.Base.Loop.RunUntilIdle();
    }
}
