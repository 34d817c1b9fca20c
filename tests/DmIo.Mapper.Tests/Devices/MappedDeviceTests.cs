using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class MappedDeviceTests
{
    // Goal: a request across lines is cut at their borders, each part goes to its place, and it completes once.
    [Test]
    public void A_request_across_lines_is_split()
    {
        MirrorRig rig = Two("0 100 linear leg0 1000\n100 200 linear leg1 8\n300 50 linear leg0 0");
        Assert.That(rig.Write(90, 230, seed: 3), Is.EqualTo(Errno.None));
        byte[] data = MirrorRig.Bytes(230, 3);
        Assert.That(rig.Legs[0].Contents(new(1090), new(10)).SequenceEqual(data.AsSpan(0, 10 * 512)));
        Assert.That(rig.Legs[1].Contents(new(8), new(200)).SequenceEqual(data.AsSpan(10 * 512, 200 * 512)));
        Assert.That(rig.Legs[0].Contents(new(0), new(20)).SequenceEqual(data.AsSpan(210 * 512)));
        Assert.That(rig.Read(90, 230).Data, Is.EqualTo(data));
    }

    // Goal: the error of a split request is that of its lowest failing sector, told in the mapped device's own sectors.
    [Test]
    public void The_first_failing_sector_of_a_split_request_is_told()
    {
        MirrorRig rig = Two("0 100 linear leg0 1000\n100 100 linear leg1 8");
        rig.Legs[0].Fail(new(1095), new(1));
        rig.Legs[1].Fail(new(8), new(1), Errno.ENOSPC);
        TestRequest write = rig.Submit(TestRequest.Write(new(90), TestBuffer.Random(new(20), 1)));
        Assert.That((write.Completions, write.Error, write.FailedAt), Is.EqualTo((1, Errno.EIO, new Sectors(95))));
    }

    // Goal: a flush reaches every device beneath, once per line.
    [Test]
    public void A_flush_reaches_every_target()
    {
        MirrorRig rig = Two("0 100 linear leg0 0\n100 100 linear leg1 0");
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.None));
        foreach (ScriptedDevice leg in rig.Legs)
            Assert.That(leg.Log, Is.EqualTo([new ScriptedCall(BlockOperation.Flush, default, default, default)]));
    }

    // Goal: a preflush is done, on everything, before the first byte of its write goes anywhere.
    [Test]
    public void A_preflush_comes_first()
    {
        MirrorRig rig = Two("0 100 linear leg0 0\n100 100 linear leg1 0");
        rig.Legs[1].Holds = true;
        TestRequest write = rig.Submit(TestRequest.Write(new(0), TestBuffer.Random(new(8), 1), BlockFlags.Preflush));
        Assert.That(rig.Legs[0].Log.Select(call => call.Operation), Is.EqualTo(new[] { BlockOperation.Flush }));
        rig.Legs[1].ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That((write.Completions, write.Error), Is.EqualTo((1, Errno.None)));
        Assert.That(
            rig.Legs[0].Log[^1], Is.EqualTo(new ScriptedCall(BlockOperation.Write, BlockFlags.None, new(0), new(8))));
    }

    // Goal: a preflush that fails fails its write, which then is never started.
    [Test]
    public void A_failed_preflush_fails_the_write()
    {
        MirrorRig rig = Two("0 100 linear leg0 0\n100 100 linear leg1 0");
        rig.Legs[1].FailAll(Errno.EIO, BlockOperation.Flush);
        Assert.That(rig.Write(0, flags: BlockFlags.Preflush), Is.EqualTo(Errno.EIO));
        Assert.That(rig.Legs[0].Log.Any(call => call.Operation == BlockOperation.Write), Is.False);
    }

    // Goal: the error target fails everything with EIO, and flushes too.
    [Test]
    public void The_error_target_fails_everything()
    {
        MirrorRig rig = Two("0 100 error");
        Assert.That(rig.Write(0), Is.EqualTo(Errno.EIO));
        Assert.That(rig.Read(0).Error, Is.EqualTo(Errno.EIO));
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.EIO));
        Assert.That(rig.Do(TestRequest.Discard(new(0), new(8))), Is.EqualTo(Errno.EIO));
        Assert.That(rig.Do(TestRequest.WriteZeroes(new(0), new(8))), Is.EqualTo(Errno.EIO));
        Assert.That(rig.Status, Is.EqualTo("0 100 error"));
        Assert.That(rig.Device.TableLine(), Is.EqualTo("0 100 error"));
    }

    // Goal: mapped devices stack: an error target under a mirror's leg is a leg that fails, at any depth.
    [Test]
    public void Mapped_devices_stack()
    {
        MirrorRig rig = Two("0 1000 linear leg1 0\n1000 24 error");
        MappedDevice half = rig.Device;
        rig.AddDevice("dm:half", half);
        rig.TableText = "0 1024 mirror core 2 128 nosync 2 leg0 0 dm:half 0";
        rig.Start();
        Assert.That(rig.Write(0), Is.EqualTo(Errno.None));
        Assert.That(rig.Status, Is.EqualTo("0 1024 mirror 2 leg0 dm:half 8/8 1 AA 1 core"));
        Assert.That(rig.Write(996, seed: 2), Is.EqualTo(Errno.None));
        // Region 0 was written before and not flushed since.
        Assert.That(rig.Status, Is.EqualTo("0 1024 mirror 2 leg0 dm:half 6/8 1 AD 1 core"));
        Assert.That(
            rig.Log.Of(2002).Single(), Does.Contain("leg 1 dm:half failed: Write at sector 1000: EIO, error bits 0x2"));
    }

    // Goal: a leg that is too short is named with its size and what it needs, in the kernel's words; all of them at
    // once.
    [Test]
    public void A_short_leg_is_named_with_both_sizes()
    {
        var rig = new MirrorRig(legs: 3, sectors: 4096)
        {
            TableText = "0 4096 mirror core 2 1024 nosync 3 leg0 1 leg1 0 leg2 2000",
        };
        string problem = rig.StartProblem<MapperException>();
        Assert.That(problem, Does.Contain("leg 0, leg0, too small for target: start=1, len=4096, dev_size=4096"));
        Assert.That(problem, Does.Contain("leg 2, leg2, too small"));
        Assert.That(problem, Does.Contain("(it has 2097152)"));
        Assert.That(problem, Does.Not.Contain("leg1"));
    }

    // Goal: two names for one device are found out where the table's words could not tell.
    [Test]
    public void One_device_under_two_names_is_found_out()
    {
        var rig = new MirrorRig(sectors: 4096) { TableText = "0 4096 mirror core 2 1024 nosync 2 leg0 0 same 0" };
        rig.AddDevice("same", rig.Legs[0]);
        Assert.That(rig.StartProblem<MapperException>(), Does.Contain("same is used twice in the same place"));
    }

    // Goal: a log that is a leg, or another mirror's log, under another name is found out too.
    [TestCase("0 2048 mirror disk 2 same 1024 2 leg0 0 leg1 0")]
    [TestCase("0 1024 mirror disk 2 log 1024 2 leg0 0 leg1 0\n1024 8 mirror disk 2 same-log 8 2 leg0 1024 leg1 1024")]
    public void A_log_has_its_device_for_itself(string table)
    {
        var rig = new MirrorRig(sectors: 4096) { TableText = table };
        var log = new ScriptedDevice(rig.Loop, "log", new(8));
        rig.AddDevice("same", rig.Legs[1]);
        rig.AddDevice("log", log);
        rig.AddDevice("same-log", log);
        Assert.That(rig.StartProblem<MapperException>(), Does.Match("the log same(-log)? is used by something else too"));
    }

    // Goal: a log that is not there is told as a leg is.
    [Test]
    public void A_missing_log_is_told()
    {
        var rig = new MirrorRig(sectors: 4096) { TableText = "0 2048 mirror disk 2 nowhere 1024 2 leg0 0 leg1 0" };
        Assert.That(
            rig.StartProblem<MapperException>(),
            Does.Contain("Error creating mirror dirty log: Device lookup failure: nowhere: ENOENT"));
    }

    // Goal: the lines of "dmsetup info" (captures 01 section 1, 03), without what is the kernel's own; events count.
    [Test]
    public void Info_is_that_of_dmsetup()
    {
        MirrorRig rig = new MirrorRig().Start();
        rig.Legs[1].FailAll();
        rig.Write(0);
        string[] lines =
        [
            "Name:              vol0", "State:             ACTIVE", "Read Ahead:        0", "Tables present:    LIVE",
            "Open count:        2", "Event number:      1", "Number of targets: 1",
        ];
        Assert.That(rig.Device.InfoText(2).Split('\n'), Is.EqualTo(lines));
        Assert.That(rig.Device.InfoText().Split('\n'), Is.EqualTo(lines.Where(line => !line.StartsWith("Open"))));
    }

    // Goal: a device that is not there is told with the reason that its opener gave.
    [Test]
    public void A_missing_device_is_told()
    {
        var rig = new MirrorRig { TableText = "0 8 linear nowhere 0" };
        Assert.That(rig.StartProblem<MapperException>(), Does.Contain("Device lookup failure: nowhere: ENOENT"));
    }

    // Goal: the largest logical block of the devices beneath is that of the device, and lines must fit it.
    [Test]
    public void Logical_blocks_of_the_devices_beneath_are_kept()
    {
        var rig = new MirrorRig();
        rig.AddDevice("big", new ScriptedDevice(rig.Loop, "big", new(4096), 4096));
        rig.TableText = "0 8 linear leg0 0\n8 8 linear big 8";
        rig.Start();
        Assert.That(rig.Device.LogicalBlockBytes, Is.EqualTo(4096));
        Assert.That(rig.Write(1, 1), Is.EqualTo(Errno.EINVAL));
        rig.TableText = "0 8 linear leg0 0\n8 8 linear big 4";
        Assert.That(rig.StartProblem<MapperException>(), Does.Contain("not aligned to the logical block size of 4096"));
    }

    // Goal: a region smaller than what a leg can be written in could not be copied: refused.
    [Test]
    public void A_region_is_no_smaller_than_a_logical_block()
    {
        var rig = new MirrorRig();
        rig.AddDevice("big", new ScriptedDevice(rig.Loop, "big", new(4096), 4096));
        rig.TableText = "0 4096 mirror core 2 4 nosync 2 leg0 0 big 0";
        Assert.That(rig.StartProblem<MapperException>(), Does.Contain("has a region size of 4 sectors and a device with a logical block size of 4096"));
        rig.TableText = "0 4096 mirror core 2 8 nosync 2 leg0 0 big 0";
        rig.Start();
    }

    // Goal: a name that could leave the state directory, or that device-mapper would not take, is refused.
    [TestCase("")]
    [TestCase("..")]
    [TestCase("a/b")]
    [TestCase("a b")]
    public void A_wrong_name_is_refused(string name)
    {
        var rig = new MirrorRig();
        Assert.That(
            () => MappedDevice.CreateAsync(rig.Loop, name, MirrorRig.Parse(rig.TableText), rig, rig.Options),
            Throws.TypeOf<MapperException>());
    }

    // Goal: status and table lines are the kernel's, a line per line of the table.
    [Test]
    public void Status_and_table_lines_are_the_kernels()
    {
        const string mirror = "200 4096 mirror core 1 1024 2 leg0 200 leg1 0 1 handle_errors";
        MirrorRig rig = Two($"0 100 linear leg0 5\n100 100 error\n{mirror}");
        Assert.That(rig.Status, Is.EqualTo("0 100 linear\n100 100 error\n200 4096 mirror 2 leg0 leg1 4/4 1 AA 1 core"));
        Assert.That(rig.Device.TableLine(), Is.EqualTo($"0 100 linear leg0 5\n100 100 error\n{mirror}"));
    }

    // Goal: after a stop nothing is served any more, and the devices beneath were flushed.
    [Test]
    public void After_a_stop_requests_get_ESHUTDOWN()
    {
        MirrorRig rig = Two("0 100 linear leg0 0");
        rig.Loop.Finish(rig.Device.StopAsync());
        Assert.That(rig.Legs[0].Log[^1].Operation, Is.EqualTo(BlockOperation.Flush));
        Assert.That(rig.Write(0), Is.EqualTo(Errno.ESHUTDOWN));
        Assert.That(rig.Read(0).Error, Is.EqualTo(Errno.ESHUTDOWN));
    }

    // Goal: extents of the devices beneath are told in the device's own sectors, across lines.
    [Test]
    public void Extents_are_told_across_lines()
    {
        MirrorRig rig = Two("0 100 linear leg0 1000\n100 100 linear leg1 0");
        rig.Legs[0].Extents = (start, count) =>
        [
            new(start, new(10), ExtentKind.Hole),
            new(start + new Sectors(10), count - new Sectors(10), ExtentKind.Data),
        ];
        IReadOnlyList<BlockExtent> extents = rig.Loop.Run(() => rig.Device.ReadExtentsAsync(new(50), new(100)));
        Assert.That(extents, Is.EqualTo(new BlockExtent[]
        {
            new(new(50), new(10), ExtentKind.Hole),
            new(new(60), new(40), ExtentKind.Data),
            new(new(100), new(50), ExtentKind.Data),
        }));
    }

    // Goal: a stop finishes what was begun, also a write of which only the preflush has ended.
    [Test]
    public void A_stop_waits_for_the_write_behind_a_preflush()
    {
        MirrorRig rig = new MirrorRig().Start();
        rig.Legs.ForEach(leg => leg.Holds = true);
        TestRequest write = rig.Submit(TestRequest.Write(new(8), TestBuffer.Random(new(8), 1), BlockFlags.Preflush));
        Task stop = rig.Device.StopAsync();
        rig.Legs.ForEach(leg => leg.ReleaseAll());
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Legs[0].Held.Single().Operation, Is.EqualTo(BlockOperation.Write));
        Assert.That(stop.IsCompleted, Is.False);
        rig.Legs.ForEach(leg => leg.Holds = false);
        rig.Legs.ForEach(leg => leg.ReleaseAll());
        rig.Loop.Finish(stop);
        Assert.That(write.Error, Is.EqualTo(Errno.None));
        Assert.That(rig.Legs[0].Log[^1].Operation, Is.EqualTo(BlockOperation.Flush), "nothing comes behind the last flush");
    }

    private static MirrorRig Two(string table)
    {
        MirrorRig rig = new MirrorRig { TableText = table }.With(options => options with { AssumeClean = true });
        return rig.Start();
    }
}
