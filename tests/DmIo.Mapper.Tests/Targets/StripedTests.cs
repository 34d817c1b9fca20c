using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class StripedTests
{
    // Goal: chunks go to the legs in turn, each at its leg's offset, all at once; the kernel's layout.
    [Test]
    public void A_request_is_cut_at_chunks_and_its_parts_run_at_once()
    {
        MirrorRig rig = Striped("0 48 striped 3 4 leg0 0 leg1 100 leg2 8", legs: 3);
        rig.Legs.ForEach(leg => leg.Holds = true);
        TestRequest write = rig.Submit(TestRequest.Write(new(2), TestBuffer.Random(new(13), 7)));
        Assert.That(Calls(rig.Legs[0]), Is.EqualTo(new[] { (2L, 2L), (4L, 3L) }));
        Assert.That(Calls(rig.Legs[1]), Is.EqualTo(new[] { (100L, 4L) }));
        Assert.That(Calls(rig.Legs[2]), Is.EqualTo(new[] { (8L, 4L) }));
        Assert.That(write.IsCompleted, Is.False);
        rig.Legs.ForEach(leg => leg.ReleaseAll());
        rig.Loop.RunUntilIdle();
        Assert.That((write.Completions, write.Error), Is.EqualTo((1, Errno.None)));
    }

    // Goal: whatever is read, written, zeroed or discarded, the device is what a flat one would be, also with chunks
    // that are no power of two.
    [TestCase(2, 8)]
    [TestCase(3, 5)]
    [TestCase(1, 16)]
    [TestCase(4, 1)]
    public void Behaves_like_a_flat_device(int legs, int chunk)
    {
        const int seed = 20260101;
        TestContext.Out.WriteLine($"seed {seed}");
        var random = new Random(seed);
        long length = legs * chunk * 17;
        string places = string.Join(' ', Enumerable.Range(0, legs).Select(i => $"leg{i} {i * 3}"));
        MirrorRig rig = Striped($"0 {length} striped {legs} {chunk} {places}", legs);
        byte[] model = new byte[length * 512];
        for (int i = 0; i < 400; i++)
        {
            long start = random.NextInt64(length);
            long count = random.NextInt64(1, length - start + 1);
            Span<byte> range = model.AsSpan((int)start * 512, (int)count * 512);
            switch (random.Next(4))
            {
                case 0:
                    Assert.That(rig.Write(start, count, i), Is.EqualTo(Errno.None));
                    MirrorRig.Bytes(count, i).CopyTo(range);
                    break;
                case 1:
                    Assert.That(rig.Do(TestRequest.Discard(new(start), new(count))), Is.EqualTo(Errno.None));
                    range.Clear();
                    break;
                case 2:
                    Assert.That(rig.Do(TestRequest.WriteZeroes(new(start), new(count))), Is.EqualTo(Errno.None));
                    range.Clear();
                    break;
                default:
                    Assert.That(rig.Read(start, count).Data, Is.EqualTo(range.ToArray()));
                    break;
            }
        }
        Assert.That(rig.Read(0, length).Data, Is.EqualTo(model));
    }

    // Goal: a discard takes one part for each leg, however long it is, and only its own sectors.
    [Test]
    public void A_discard_takes_one_part_for_each_leg()
    {
        MirrorRig rig = Striped("0 4096 striped 2 8 leg0 0 leg1 0");
        Assert.That(rig.Do(TestRequest.Discard(new(4), new(2056))), Is.EqualTo(Errno.None));
        Assert.That(Calls(rig.Legs[0]), Is.EqualTo(new[] { (4L, 1028L) }));
        Assert.That(Calls(rig.Legs[1]), Is.EqualTo(new[] { (0L, 1028L) }));
    }

    // Goal: a flush reaches all legs, and any that fails fails it.
    [Test]
    public void A_flush_reaches_all_legs()
    {
        MirrorRig rig = Striped("0 64 striped 2 8 leg0 0 leg1 0");
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.None));
        Assert.That(rig.Legs.Select(leg => leg.Log.Single().Operation), Is.All.EqualTo(BlockOperation.Flush));
        rig.Legs[1].FailAll(Errno.EIO, BlockOperation.Flush);
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.EIO));
    }

    // Goal: the first failing sector is told in the device's own sectors, of parts and of runs.
    [Test]
    public void The_first_failing_sector_is_told()
    {
        MirrorRig rig = Striped("0 64 striped 2 8 leg0 0 leg1 100");
        rig.Legs[0].Fail(new(17), new(1));
        rig.Legs[1].Fail(new(109), new(1), Errno.ENOSPC);
        TestRequest write = rig.Submit(TestRequest.Write(new(0), TestBuffer.Random(new(64), 1)));
        // Sector 109 of leg 1 is sector 1 of its second chunk, which is the fourth of all.
        Assert.That((write.Error, write.FailedAt), Is.EqualTo((Errno.ENOSPC, new Sectors(25))));
        TestRequest discard = rig.Submit(TestRequest.Discard(new(26), new(30)));
        Assert.That((discard.Error, discard.FailedAt), Is.EqualTo((Errno.EIO, new Sectors(33))));
        TestRequest read = rig.Submit(TestRequest.Read(new(32), new TestBuffer(1024)));
        Assert.That((read.Error, read.FailedAt), Is.EqualTo((Errno.EIO, new Sectors(33))));
    }

    // Goal: the kernel's lines; a leg's letter is D after an error, which is an event, once.
    [Test]
    public void Status_and_table_are_the_kernels()
    {
        const string table = "0 64 striped 2 8 leg0 0 leg1 100";
        MirrorRig rig = Striped(table);
        Assert.That(rig.Device.TableLine(), Is.EqualTo(table));
        Assert.That(rig.Status, Is.EqualTo("0 64 striped 2 leg0 leg1 1 AA"));
        rig.Legs[1].FailAll(Errno.EOPNOTSUPP);
        rig.Do(TestRequest.Discard(new(8), new(8)));
        Assert.That(rig.Status, Is.EqualTo("0 64 striped 2 leg0 leg1 1 AA"));
        rig.Legs[1].Heal();
        rig.Legs[1].FailAll();
        rig.Read(8);
        rig.Read(0, 16);
        Assert.That(rig.Status, Is.EqualTo("0 64 striped 2 leg0 leg1 1 AD"));
        Assert.That(rig.Device.EventNumber, Is.EqualTo(1));
    }

    // Goal: extents of the legs are told where they lie on the device, neighbours alike as one.
    [Test]
    public void Extents_are_told_chunk_by_chunk()
    {
        MirrorRig rig = Striped("0 32 striped 2 4 leg0 0 leg1 8");
        rig.Legs[0].Extents = (start, count) => [new(start, count, ExtentKind.Hole)];
        rig.Legs[1].Extents = (start, count) =>
        [
            new(start, new(3), ExtentKind.Data), new(start + new Sectors(3), count - new Sectors(3), ExtentKind.Hole),
        ];
        Assert.That(
            rig.Loop.Run(() => rig.Device.ReadExtentsAsync(new(2), new(22))),
            Is.EqualTo(new BlockExtent[]
            {
                new(new(2), new(2), ExtentKind.Hole), new(new(4), new(3), ExtentKind.Data),
                new(new(7), new(17), ExtentKind.Hole),
            }));
    }

    // Goal: each leg needs its share of the length, and no more.
    [Test]
    public void A_leg_needs_its_share()
    {
        MirrorRig rig = Striped("0 64 striped 2 8 small 0 leg0 0", small: 32);
        Assert.That(rig.Write(0, 64), Is.EqualTo(Errno.None));
        rig.TableText = "0 64 striped 2 8 small 1 leg0 0";
        Assert.That(
            rig.StartProblem<MapperException>(), Does.Contain("leg 0, small, too small for target: start=1, len=32, dev_size=32"));
        rig.TableText = "0 64 striped 2 8 leg0 0 leg0 32";
        rig.Start();
        rig.TableText = "0 64 striped 2 8 leg0 0 same 31";
        rig.AddDevice("same", rig.Legs[0]);
        Assert.That(rig.StartProblem<MapperException>(), Does.Contain("used twice in the same place"));
    }

    // Goal: chunks that cut a leg's logical block could not be written.
    [Test]
    public void A_chunk_is_a_multiple_of_a_logical_block()
    {
        var rig = new MirrorRig { TableText = "0 64 striped 2 4 big 0 leg0 0" };
        rig.AddDevice("big", new ScriptedDevice(rig.Loop, "big", new(4096), 4096));
        Assert.That(rig.StartProblem<MapperException>(), Does.Contain("a chunk size of 4 sectors and a device with a logical block size of 4096"));
    }

    // Goal: memory that a leg still uses is held for whoever asked, through the parts.
    [Test]
    public void A_part_that_lands_late_holds_the_request()
    {
        MirrorRig rig = Striped("0 64 striped 2 8 leg0 0 leg1 0");
        rig.Legs[1].Holds = true;
        TestRequest read = rig.Submit(TestRequest.Read(new(0), new TestBuffer(16 * 512)));
        rig.Legs[1].CompleteEarly(rig.Legs[1].Held[0], Errno.ETIMEDOUT);
        rig.Loop.RunUntilIdle();
        Assert.That((read.Completions, read.IsHeld, read.Unholds), Is.EqualTo((1, true, 0)));
        rig.Legs[1].LandAll();
        rig.Loop.RunUntilIdle();
        Assert.That((read.IsHeld, read.Unholds), Is.EqualTo((false, 1)));
    }

    private static MirrorRig Striped(string table, int legs = 2, long small = 8)
    {
        var rig = new MirrorRig(legs, sectors: 4096) { TableText = table };
        rig.AddDevice("small", new ScriptedDevice(rig.Loop, "small", new(small)));
        return rig.Start();
    }

    private static IEnumerable<(long, long)> Calls(ScriptedDevice leg) =>
        leg.Log.Select(call => (call.Start.Count, call.Count.Count));
}
