using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class LogWritesReplayTests
{
    // Goal: the log, replayed onto an empty device, gives what the device holds; up to a mark, what it held then.
    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public void Log_and_replay_give_what_the_device_holds(int seed)
    {
        TestContext.Out.WriteLine($"seed {seed}");
        var random = new Random(seed);
        LogWritesRig rig = new LogWritesRig(logSectors: 1 << 17).Start();
        var held = new List<byte[]>();
        for (int i = 0; i < 500; i++)
        {
            long start = random.NextInt64(256);
            long count = random.NextInt64(1, Math.Min(40, 256 - start) + 1);
            switch (random.Next(8))
            {
                case 0:
                    rig.Submit(TestRequest.Discard(new(start), new(count)));
                    break;
                case 1:
                    rig.Submit(TestRequest.Flush());
                    break;
                case 2:
                    rig.Submit(TestRequest.Flush());
                    rig.Mark($"m{held.Count}");
                    held.Add(rig.Data.Contents().ToArray());
                    break;
                default:
                    // What is durable at once overtakes, in the log, what is not: as in the kernel.
                    BlockFlags flags = random.Next(3) == 0 ? BlockFlags.Fua | BlockFlags.Preflush : BlockFlags.None;
                    rig.SubmitWrite(start, i, flags, count);
                    break;
            }
        }
        rig.Base.Stop();
        Assert.That(held, Has.Count.GreaterThan(10));
        for (int i = 0; i < held.Count; i++)
            Assert.That(rig.Replay(new LogWritesRange { ToMark = $"m{i}" }).AsSpan().SequenceEqual(held[i]), $"mark {i}");
        Assert.That(rig.Replay(new LogWritesRange()).AsSpan().SequenceEqual(rig.Data.Contents()));
        Assert.That(rig.Open().EntryCount, Is.EqualTo(rig.Read().Count));
    }

    // Goal: any range of entries, by number and by mark, and nothing else.
    [Test]
    public void Ranges_are_replayed()
    {
        LogWritesRig rig = Three();
        Assert.That(rig.Entries, Is.EqualTo("U0+8 M:a U8+8 M:b U0+8 M:dm-log-writes-end"));
        Assert.That(First(rig.Replay(new LogWritesRange { ToEntry = 0 })), Is.EqualTo((0, 0)));
        Assert.That(First(rig.Replay(new LogWritesRange { ToEntry = 1 })), Is.EqualTo((ByteOf(1), 0)));
        Assert.That(First(rig.Replay(new LogWritesRange { ToMark = "b" })), Is.EqualTo((ByteOf(1), ByteOf(2))));
        Assert.That(First(rig.Replay(new LogWritesRange { FromMark = "a", ToMark = "b" })), Is.EqualTo((0, ByteOf(2))));
        Assert.That(First(rig.Replay(new LogWritesRange { FromEntry = 3 })), Is.EqualTo((ByteOf(3), 0)));
        Assert.That(First(rig.Replay(new LogWritesRange())), Is.EqualTo((ByteOf(3), ByteOf(2))));
    }

    // Goal: a range that is not in the log is told.
    [Test]
    public void What_is_not_in_the_log_is_told()
    {
        LogWritesRig rig = Three();
        Assert.That(
            () => rig.Replay(new LogWritesRange { ToMark = "c" }), Throws.ArgumentException.With.Message.Contains("no mark 'c'"));
        Assert.That(
            () => rig.Replay(new LogWritesRange { FromMark = "b", ToMark = "a" }),
            Throws.ArgumentException.With.Message.Contains("no mark 'a' behind entry 4"));
        Assert.That(
            () => rig.Replay(new LogWritesRange { ToEntry = 7 }), Throws.ArgumentException.With.Message.Contains("the log has 6"));
    }

    // Goal: discarded sectors become zeroes or keep what they hold, as is asked.
    [Test]
    public void Discards_are_replayed_or_not()
    {
        LogWritesRig rig = new LogWritesRig().Start();
        rig.SubmitWrite(0);
        rig.Submit(TestRequest.Discard(new(0), new(8)));
        rig.Base.Stop();
        Assert.That(First(rig.Replay(new LogWritesRange())), Is.EqualTo((0, 0)));
        Assert.That(First(rig.Replay(new LogWritesRange { Discards = false })), Is.EqualTo((ByteOf(1), 0)));
    }

    // Goal: what was logged up to the last flush is there although the program ended without a word.
    [Test]
    public void A_log_is_good_up_to_its_last_flush()
    {
        LogWritesRig rig = new LogWritesRig().Start();
        rig.SubmitWrite(0);
        rig.Submit(TestRequest.Flush());
        rig.SubmitWrite(8);
        Assert.That(rig.Entries, Is.EqualTo("W0+8 F"));
    }

    // Goal: damage is told with its place, and so is a device that is too short.
    [Test]
    public void Damage_is_told()
    {
        LogWritesRig rig = Three();
        var small = new ScriptedDevice(rig.Base.Loop, "small", new(8));
        Assert.That(
            () => rig.Base.Loop.Finish(rig.Open().ReplayAsync(small, new LogWritesRange())),
            Throws.TypeOf<IOException>().With.Message.Contains("small: entry 2 of the log ends at sector 16"));
        rig.LogDevice.Contents()[(10 * 512) + 31] = 0xFF;
        Assert.That(() => rig.Read(), Throws.TypeOf<IOException>().With.Message.Contains("entry 1 of 6, at sector 10, is damaged"));
        rig.LogDevice.Contents()[0] = 0;
        Assert.That(() => rig.Open(), Throws.TypeOf<IOException>().With.Message.Contains("log: is no log of writes"));
        rig.LogDevice.FailAll();
        Assert.That(() => rig.Open(), Throws.TypeOf<IOException>().With.Message.Contains("log: Read at sector 0: EIO"));
    }

    private static LogWritesRig Three()
    {
        LogWritesRig rig = new LogWritesRig().Start();
        rig.SubmitWrite(0, 1, BlockFlags.Fua);
        rig.Mark("a");
        rig.SubmitWrite(8, 2, BlockFlags.Fua);
        rig.Mark("b");
        rig.SubmitWrite(0, 3, BlockFlags.Fua);
        rig.Base.Stop();
        return rig;
    }

    private static int ByteOf(int seed) => MirrorRig.Bytes(1, seed)[0];

    private static (int, int) First(byte[] contents) => (contents[0], contents[8 * 512]);
}
