namespace DmIo.Mapper.Tests;

public sealed class GrowthTests
{
    // Goal: a mirror becomes longer while it serves: what was there stays, what is new comes to be alike on all legs, and
    // a restart with the longer table knows it, even in the middle of a region.
    [TestCase("core 2 {0} nosync", 65536)]
    [TestCase(MirrorRig.DiskLog, 65536)]
    [TestCase(MirrorRig.DiskLog, 33000)]
    public void A_mirror_grows(string log, long length)
    {
        MirrorRig rig = Start(log);
        rig.Write(0, seed: 1);
        Replace(rig, length);
        // What lies behind the mirror differs.
        rig.Legs[1].Contents()[(int)new Sectors(32768).Bytes..].Fill(7);
        rig.Loop.Finish(rig.Device.GrowAsync(new Sectors(length)));
        Assert.That(rig.Device.Length, Is.EqualTo(new Sectors(length)));
        rig.Advance(60);
        long regions = (length + 1023) / 1024;
        Assert.That(rig.Status, Does.Contain($" 2 leg0 leg1 {regions}/{regions} 1 AA "));
        Assert.That(rig.Legs[0].Contents().SequenceEqual(rig.Legs[1].Contents()));
        Assert.That(rig.Write(length - 8, seed: 2), Is.EqualTo(Errno.None));
        Assert.That(rig.Read(0).Data, Is.EqualTo(MirrorRig.Bytes(8, 1)));
        rig.Stop();
        rig.TableText = rig.TableText.Replace("0 32768 ", $"0 {length} ", StringComparison.Ordinal);
        rig.Start();
        Assert.That(rig.Status, Does.Contain($" {regions}/{regions} 1 AA "));
        Assert.That(rig.Read(length - 8).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
    }

    // Goal: without being asked a record of another length is not taken.
    [TestCase("core 2 {0} nosync")]
    [TestCase(MirrorRig.DiskLog)]
    public void Another_length_is_no_growth(string log)
    {
        MirrorRig rig = Start(log);
        rig.Stop();
        Replace(rig, 65536);
        rig.TableText = rig.TableText.Replace("0 32768 ", "0 65536 ", StringComparison.Ordinal);
        Assert.That(rig.StartProblem<MapperException>(), Does.Contain("of a mirror of 32768 sectors"));
    }

    // Goal: what cannot grow is told, and stays as it is.
    [Test]
    public void What_cannot_grow_is_told()
    {
        MirrorRig rig = Start("core 2 {0} nosync");
        Assert.That(
            Problem(rig, 65536), Does.Contain("leg0 has 32768 sectors and needs 65536 (ENOSPC); make it longer first"));
        Assert.That(Problem(rig, 100), Does.Contain("a device does not shrink"));
        rig.Legs[1].FailAll();
        rig.Write(0, seed: 1);
        Assert.That(Problem(rig, 65536), Does.Contain("a mirror grows while all its legs are in sync, and they are in 31 of 32"));
        Assert.That(rig.Device.Length, Is.EqualTo(new Sectors(32768)));
    }

    private static string Problem(MirrorRig rig, long length)
    {
        Task growing = rig.Device.GrowAsync(new Sectors(length));
        rig.Loop.RunUntilIdle();
        Assert.That(growing.IsFaulted, "it is refused");
        return growing.Exception!.InnerException!.Message;
    }

    private static MirrorRig Start(string log) =>
        new MirrorRig(log: log).With(options => options with { AssumeClean = true }).Start();

    private static void Replace(MirrorRig rig, long length) => rig.Legs.ForEach(leg => leg.Lengthen(new Sectors(length)));
}
