namespace DmIo.Mapper.Tests;

/// <summary>A leg that was missing at the start is there again while the mirror serves.</summary>
public sealed class LegComesBackTests
{
    // Goal: the one that the record knows is taken up, and only what it lacks is copied to it, whoever kept the record.
    [Test]
    public void The_leg_itself_lacks_what_was_written_without_it([Values(MirrorRig.DiskLog, Core)] string log, [Values(0, 1)] int leg)
    {
        MirrorRig rig = WithoutALeg(log, leg);
        rig.Write(4 * 1024, seed: 4);
        rig.Find(leg);
        rig.Identities[$"leg{leg}"] = Disk("itself");
        TakeUp(rig);
        Assert.That(RegionRanges.Describe(rig.Mirror.Knowledge[leg].Lacks), Is.EqualTo("4"));
        Assert.That(rig.Read(4 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 4)));
    }

    // Goal: it is known again too when the mirror was stopped and started without it meanwhile.
    [Test]
    public void It_is_known_after_another_start_without_it([Values(MirrorRig.DiskLog, Core)] string log, [Values(0, 1)] int leg)
    {
        MirrorRig rig = WithoutALeg(log, leg);
        rig.Write(4 * 1024, seed: 4);
        rig.Stop();
        rig.Start();
        rig.Write(7 * 1024, seed: 7);
        rig.Stop();
        rig.Find(leg);
        rig.Identities[$"leg{leg}"] = Disk("itself");
        rig.Start();
        Assert.That(RegionRanges.Describe(rig.Mirror.Knowledge[leg].Lacks), Is.EqualTo("4, 7"));
    }

    // Goal: another disk under the same name is not overwritten because it is there: nothing changes until somebody says so.
    [Test]
    public void Another_in_its_place_is_refused([Values(MirrorRig.DiskLog, Core)] string log, [Values(0, 1)] int leg)
    {
        MirrorRig rig = WithoutALeg(log, leg);
        rig.Write(4 * 1024, seed: 4);
        rig.Find(leg);
        rig.Identities[$"leg{leg}"] = Disk("another");
        string status = rig.Status;
        UnknownLegException? refused = Assert.Throws<UnknownLegException>(() => TakeUp(rig));
        Assert.That(refused!.Message, Does.StartWith($"vol0: leg{leg} is not the leg that the mirror knew").And.Contain("leg replace"));
        Assert.That((rig.Status, rig.Device.IsSuspended, rig.Device.HasInactiveTable), Is.EqualTo((status, false, false)));
        rig.Loop.Finish(rig.Device.LoadAsync(rig.Device.Table));
        rig.Loop.Finish(rig.Device.ResumeAsync());
        Assert.That(rig.Mirror.Knowledge[leg].Lacks.Count, Is.EqualTo(32), "somebody has said so");
    }

    private const string Core = "core 2 {0} nosync";

    private static LegIdentity Disk(string serial) =>
        new() { Kind = "disk", Name = "leg", Serial = serial, SizeBytes = 32 * 1024 * Sectors.SizeBytes };

    private static MirrorRig WithoutALeg(string log, int leg)
    {
        var rig = new MirrorRig(log: log);
        rig.WithMirror(_ => MirrorRig.AsTheKernel);
        string word = $"leg{leg}";
        rig.Identities[word] = Disk("itself") with { Name = word };
        rig.With(options => options with { AssumeClean = true }).Start();
        rig.Stop();
        rig.Miss(leg);
        rig.Identities.Remove(word);
        return rig.Start();
    }

    private static void TakeUp(MirrorRig rig)
    {
        rig.Loop.Finish(rig.Device.LoadAsync(rig.Device.Table, knownLegsOnly: true));
        rig.Loop.Finish(rig.Device.ResumeAsync());
    }
}
