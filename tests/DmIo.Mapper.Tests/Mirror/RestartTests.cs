using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class RestartTests
{
    // Goal: after a restart a leg that lacks a region is not read there until it was copied, is written, and is told.
    [TestCase(0)]
    [TestCase(1)]
    public void A_leg_that_lacks_a_region_is_not_read_there(int stale)
    {
        MirrorRig rig = new MirrorRig().WithMirror(_ => MirrorRig.AsTheKernel).Start();
        rig.Write(0, seed: 1);
        rig.Legs[stale].FailAll(Errno.ENOSPC, BlockOperation.Write);
        rig.Write(0, seed: 2);
        rig.Stop();
        rig.Legs[stale].Heal();
        rig.Legs[stale].ClearLog();
        rig.Log.Clear();
        rig.Start();
        Assert.That(rig.Status, Is.EqualTo("0 32768 mirror 2 leg0 leg1 31/32 1 AA 1 core"));
        Assert.That(rig.Read(0).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
        rig.Write(8);
        rig.Do(TestRequest.Flush());
        Assert.That(rig.Legs[stale].Log.Select(call => call.Operation), Is.EqualTo(new[]
        {
            BlockOperation.Write, BlockOperation.Flush, BlockOperation.Flush,
        }), "a write, the flush before the region is marked clean, and the client's");
        Assert.That(rig.Status, Does.Contain(" 31/32 "), "a write makes no region whole");
        Assert.That(rig.Log.Of(2004).Single(), Is.EqualTo(
            $"vol0: leg {stale} leg{stale} lacks 1 regions; they are copied to it while the volume serves"));
    }

    // Goal: the same after a crash at any time behind the degraded acknowledgement: with a core log the leg lacks
    // everything then.
    [Test]
    public void A_leg_that_was_out_lacks_everything_after_a_crash()
    {
        MirrorRig rig = new MirrorRig().WithMirror(_ => MirrorRig.AsTheKernel).Start();
        rig.Legs[0].FailAll();
        rig.Write(0, seed: 2);
        rig.Crash();
        rig.Start();
        Assert.That(rig.Status, Does.Contain(" 0/32 1 AA "));
        rig.AssertRecorded("in 0-31", "in");
        Assert.That(rig.Read(0).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
    }

    // Goal: the leg is brought up to date by itself, also when --sync-from names the good leg, everything is in sync
    // again, and the next start asks for nothing.
    [TestCase(null)]
    [TestCase(1)]
    public void A_leg_that_lacks_data_is_brought_up_to_date(int? syncFrom)
    {
        MirrorRig rig = Degraded();
        rig.With(options => options with { SyncFrom = syncFrom }).Start();
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA "));
        rig.AssertLegsEqual();
        Assert.That(rig.Device.EventNumber, Is.EqualTo(1));
        rig.AssertRecorded("in", "in");
        rig.Stop();
        rig.With(options => options with { SyncFrom = null }).Start();
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA "));
    }

    // Goal: --sync-from with the stale leg would destroy the good one: refused, with the remedy.
    [Test]
    public void Sync_from_a_stale_leg_is_refused()
    {
        MirrorRig rig = Degraded();
        rig.With(options => options with { SyncFrom = 0 });
        string problem = rig.StartProblem<MapperException>();
        Assert.That(problem, Does.Contain("--sync-from 0 would copy a leg that lacks data"));
        Assert.That(problem, Does.Contain("(regions 0)").And.Contain("leave the option out"));
    }

    // Goal: nosync, sync and --assume-clean in a table or on the command line never overrule the state file.
    [TestCase("core 2 {0} nosync", false)]
    [TestCase("core 2 {0} sync", false)]
    [TestCase("core 1 {0}", true)]
    public void Nothing_overrules_the_state_file(string log, bool assumeClean)
    {
        MirrorRig rig = Degraded();
        rig.TableText = rig.TableText.Replace("core 2 1024 nosync", string.Format(log, 1024), StringComparison.Ordinal);
        rig.With(options => options with { AssumeClean = assumeClean, Mirror = MirrorRig.AsTheKernel }).Start();
        Assert.That(rig.Status, Does.Contain(" 31/32 "));
        rig.AssertRecorded("in 0", "in");
        Assert.That(rig.Read(0).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
    }

    // Goal: after a stop without a word all reads come from one leg until a full copy from it, started by itself, is
    // done.
    [Test]
    public void After_an_unclean_stop_a_full_copy_runs_by_itself()
    {
        MirrorRig rig = new MirrorRig().Start();
        rig.Write(0, 64, seed: 1);
        rig.Legs[1].Holds = true;
        rig.Submit(TestRequest.Write(new(16), TestBuffer.Random(new(8), 2)));
        rig.Crash();
        rig.Legs[1].Holds = true;
        rig.StartBusy();
        Assert.That(rig.Log.Of(2005).Single(), Does.Contain("was not stopped cleanly"));
        Assert.That(rig.Status, Does.Contain("0/32 1 AA"));
        Assert.That(rig.Read(16).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
        Assert.That(rig.Legs[1].Log.Any(call => call.Operation == BlockOperation.Read), Is.False);
        rig.Legs[1].Holds = false;
        rig.Legs[1].ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Status, Does.Contain("32/32 1 AA"));
        rig.AssertLegsEqual();
        // Copied data is flushed before it counts.
        Assert.That(rig.Legs[1].Log[^1].Operation, Is.EqualTo(BlockOperation.Flush));
        rig.AssertRecorded("in", "in");
    }

    // Goal: a crash before the first write leaves nothing to copy.
    [Test]
    public void Without_a_write_nothing_is_unclean()
    {
        MirrorRig rig = new MirrorRig().Start();
        rig.Read(0);
        rig.Crash();
        rig.Start();
        Assert.That(rig.Status, Does.Contain("32/32 1 AA"));
        Assert.That(rig.Log.Of(2006), Is.Empty);
    }

    // Goal: when a leg that may differ is chosen as the source, legs in sync among themselves may differ from it.
    [Test]
    public void Sync_from_a_leg_that_may_differ_copies_to_the_others()
    {
        MirrorRig rig = new MirrorRig().Start();
        rig.Write(0, 64, seed: 1);
        rig.Legs[1].Holds = true;
        rig.Submit(TestRequest.Write(new(16), TestBuffer.Random(new(8), 2)));
        rig.Crash();
        rig.Legs[1].Holds = true;
        rig.StartBusy();
        rig.Crash();
        rig.With(options => options with { SyncFrom = 1 }).Start();
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Status, Does.Contain("32/32 1 AA"));
        rig.AssertLegsEqual();
        Assert.That(rig.Read(0, 64).Data, Is.EqualTo(MirrorRig.Bytes(64, 1)));
    }

    // Goal: a copy that a stop or a crash interrupts is begun again by itself, and its target is not trusted meanwhile.
    [TestCase(true)]
    [TestCase(false)]
    public void An_interrupted_copy_begins_again(bool clean)
    {
        MirrorRig rig = Degraded();
        rig.Legs[0].Holds = true;
        rig.With(options => options with { SyncFrom = 1 }).StartBusy();
        rig.AssertRecorded("in 0", "in");
        if (clean)
        {
            Task stopped = rig.Device.StopAsync();
            rig.Loop.RunUntilIdle();
            rig.Legs[0].Holds = false;
            rig.Legs[0].ReleaseAll();
            rig.Loop.Finish(stopped);
        }
        else
        {
            rig.Crash();
        }
        rig.With(options => options with { SyncFrom = null }).Start();
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Status, Does.Contain("32/32 1 AA"));
        rig.AssertLegsEqual();
        Assert.That(rig.Read(0).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
    }

    // Goal: when the source dies in the copy after an unclean stop, the other leg holds everything that was
    // acknowledged and takes over; a leg that lacks data never does.
    [Test]
    public void A_leg_that_may_differ_takes_over()
    {
        MirrorRig rig = new MirrorRig(3).Start();
        rig.Write(0, 64, seed: 1);
        rig.Crash();
        rig.Legs.ForEach(leg => leg.Holds = true);
        rig.StartBusy();
        rig.Legs[0].FailAll();
        rig.Legs.ForEach(leg => leg.Holds = false);
        rig.Legs.ForEach(leg => leg.ReleaseAll());
        Assert.That(rig.Write(8, seed: 7), Is.EqualTo(Errno.None));
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Recorded.Select(leg => leg.Split(' ')[0]), Is.EqualTo(new[] { "out", "in", "in" }));
        Assert.That(rig.Legs[1].Contents().SequenceEqual(rig.Legs[2].Contents()));
        Assert.That(rig.Read(8).Data, Is.EqualTo(MirrorRig.Bytes(8, 7)));
        Assert.That(rig.Read(0).Data, Is.EqualTo(MirrorRig.Bytes(64, 1)[..4096]));
    }

    // Goal: a leg that lacks data never takes over: where the only whole leg fails, the answer is EIO, and it is kept;
    // elsewhere the other serves.
    [Test]
    public void A_leg_that_lacks_data_never_takes_over()
    {
        MirrorRig rig = Degraded();
        rig.WithMirror(_ => MirrorRig.AsTheKernel).Start();
        rig.Legs[1].FailAll();
        Assert.That(rig.Write(16, seed: 3), Is.EqualTo(Errno.EIO));
        Assert.That(rig.Read(0).Error, Is.EqualTo(Errno.EIO));
        Assert.That(rig.Write(30000, seed: 4), Is.EqualTo(Errno.None));
        Assert.That(rig.Read(30000).Data, Is.EqualTo(MirrorRig.Bytes(8, 4)));
        rig.AssertRecorded("in 0", "in 29");
        rig.Legs[1].Heal();
        Assert.That(rig.Read(0).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
    }

    // Goal: a leg that is not the one that was recorded is stale, however much it looks like it.
    [Test]
    public void Another_leg_under_the_same_name_lacks_everything()
    {
        MirrorRig rig = new MirrorRig().WithMirror(_ => MirrorRig.AsTheKernel).Start();
        rig.Write(0, seed: 2);
        rig.Stop();
        rig.Identities["leg0"] = new LegIdentity { Kind = "file", Name = "leg0", Inode = 12, CreatedNs = 1 };
        rig.Start();
        Assert.That(rig.Status, Does.Contain(" 0/32 1 AA"));
        Assert.That(rig.Log.Of(2005).Single(), Does.Contain("leg 0 leg0 is not the leg that /state/vol0.mirror-0.json names"));
        rig.AssertRecorded("in 0-31", "in");
    }

    // Goal: a disk by which nothing tells it from another is never believed, and whoever starts the mirror hears of it
    // while all is well.
    [Test]
    public void A_disk_without_a_serial_number_is_told_of_before_it_is_not_believed()
    {
        MirrorRig rig = new MirrorRig().WithMirror(_ => MirrorRig.AsTheKernel);
        rig.Identities["leg1"] = new LegIdentity { Kind = "disk", Name = "leg1", DeviceNumber = "43:1" };
        rig.Start();
        Assert.That(rig.Log.Of(2023).Single(), Does.StartWith("vol0: leg 1 leg1 has neither a worldwide name"));
        rig.Write(0, seed: 2);
        rig.Stop();
        rig.Start();
        Assert.That(rig.Status, Does.Contain(" 0/32 1 AA"));
        rig.AssertRecorded("in", "in 0-31");
    }

    // Goal: legs are recognised wherever they stand in the table.
    [Test]
    public void Reordered_legs_are_recognised()
    {
        MirrorRig rig = Degraded();
        rig.TableText = "0 32768 mirror core 2 1024 nosync 2 leg1 0 leg0 0";
        rig.WithMirror(_ => MirrorRig.AsTheKernel).Start();
        Assert.That(rig.Status, Is.EqualTo("0 32768 mirror 2 leg1 leg0 31/32 1 AA 1 core"));
        rig.AssertRecorded("in", "in 0");
        Assert.That(rig.Read(0).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
    }

    // Goal: when no leg is one that the file trusts, nothing starts, and the sentence says what to do.
    [Test]
    public void Without_a_trusted_leg_nothing_starts()
    {
        MirrorRig rig = Degraded();
        rig.Identities["leg1"] = new LegIdentity { Kind = "file", Name = "leg1", Inode = 12, CreatedNs = 1 };
        foreach (bool fresh in (bool[])[false, true])
        {
            rig.With(options => options with { LegsAreFresh = fresh });
            Assert.That(
                rig.StartProblem<MapperException>(), Does.Contain("none of the legs that are there holds regions 0"));
        }
    }

    // Goal: a state file of a newer version, of another size, or damaged is refused with the way out.
    [TestCase("\"version\": 2", "\"version\": 3", "of version 3 and this program knows only version 2")]
    [TestCase("\"version\": 2", "\"version\": 1", "of version 1 and this program knows only version 2")]
    [TestCase("\"lengthSectors\": 32768", "\"lengthSectors\": 4096", "of 4096 sectors and the table says 32768")]
    [TestCase("\"legs\"", "legs", "cannot be read")]
    [TestCase("\"inSet\": true", "\"inSet\": 7", "cannot be read")]
    [TestCase("\"inSet\": true", "\"lacks\": [[3, 32]]", "[3, 32] is no range of the mirror's 32 regions")]
    [TestCase("\"regionSectors\": 1024", "\"regionSectors\": 512", "in regions of 512 sectors and the table says 1024")]
    public void A_state_file_that_does_not_fit_is_refused(string what, string by, string problem)
    {
        MirrorRig rig = new MirrorRig().Start();
        rig.Stop();
        rig.Store.Text = rig.Store.Text!.Replace(what, by, StringComparison.Ordinal);
        string text = rig.Store.Text;
        Assert.That(rig.StartProblem<MapperException>(), Does.Contain(problem));
        Assert.That(rig.Store.Text, Is.EqualTo(text), "it is left as it was");
    }

    // Goal: a state file that cannot be written is found out before anything is served.
    [Test]
    public void An_unwritable_state_file_is_found_at_the_start()
    {
        var rig = new MirrorRig();
        rig.Store.Error = Errno.EROFS;
        Assert.That(rig.StartProblem<MapperException>(), Does.Contain("cannot be written (EROFS)"));
    }

    // Goal: a clean stop waits for what is in flight, flushes the legs and then vouches; a failing flush is recorded.
    [Test]
    public void A_clean_stop_flushes_and_vouches()
    {
        MirrorRig rig = new MirrorRig().Start();
        rig.Write(0);
        rig.Legs[0].Holds = true;
        TestRequest last = rig.Submit(TestRequest.Write(new(8), TestBuffer.Random(new(8), 1)));
        Task stopped = rig.Device.StopAsync();
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.ESHUTDOWN));
        Assert.That(rig.Store.State.Clean, Is.False);
        rig.Legs[0].Holds = false;
        rig.Legs[1].FailAll(Errno.EIO, BlockOperation.Flush);
        rig.Legs[0].ReleaseAll();
        rig.Loop.Finish(stopped);
        Assert.That(last.Error, Is.EqualTo(Errno.None));
        Assert.That(rig.Store.State.Clean, Is.True);
        rig.AssertRecorded("in", "out 0");
    }

    // Goal: when no leg can be flushed, the stop is not vouched for.
    [Test]
    public void A_stop_that_cannot_flush_does_not_vouch()
    {
        MirrorRig rig = new MirrorRig().Start();
        rig.Write(0);
        foreach (ScriptedDevice leg in rig.Legs)
            leg.FailAll(Errno.EIO, BlockOperation.Flush);
        Task stopped = rig.Device.StopAsync();
        rig.Loop.RunUntilIdle();
        Assert.That(stopped.Exception?.InnerException, Is.TypeOf<IOException>());
        Assert.That(rig.Store.State.Clean, Is.False);
    }

    // Goal: a mirror with a read-only leg serves reads, and changes neither legs nor state file.
    [Test]
    public void A_read_only_mirror_changes_nothing()
    {
        MirrorRig rig = Degraded();
        string before = rig.Store.Text!;
        rig.Legs[1].ReadOnly = true;
        rig.Legs.ForEach(leg => leg.ClearLog());
        rig.With(options => options with { SyncFrom = 1 }).Start();
        Assert.That(rig.Device.IsReadOnly);
        Assert.That(rig.Write(0), Is.EqualTo(Errno.EPERM));
        Assert.That(rig.Read(0).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
        rig.Stop();
        Assert.That(rig.Legs[0].Log, Is.Empty);
        Assert.That(rig.Store.Text, Is.EqualTo(before));
    }

    // Leg 0 has left the set and lacks what leg 1 holds.
    private static MirrorRig Degraded()
    {
        MirrorRig rig = new MirrorRig().Start();
        rig.Write(0, seed: 1);
        rig.Legs[0].FailAll();
        rig.Write(0, seed: 2);
        rig.Stop();
        rig.Legs[0].Heal();
        return rig;
    }
}
