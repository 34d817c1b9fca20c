using DmIo.Testing;

namespace DmIo.Mapper.Tests;

/// <summary>
/// A leg's first flush after an open tells of writes of the life before that never reached the disk.
/// </summary>
public sealed class FirstSyncTests
{
    // Goal: after a crash the leg that tells is not read where it may have lost data, is given it from the other, stays in
    // the set, and fails no client.
    [TestCase(0)]
    [TestCase(1)]
    public void After_a_crash_a_leg_that_may_have_lost_writes_is_given_them(int leg)
    {
        MirrorRig rig = Crashed();
        rig.Legs[leg].Contents(new Sectors(16), new Sectors(8)).Clear();
        FailNextFlush(rig, leg);
        rig.Start();
        Assert.That(rig.Log.Of(2005), Has.Some.EqualTo(
            $"vol0: leg {leg} leg{leg} could not make durable what was written to it before this start (EIO); what the log "
            + "says was being written is not believed to be there"));
        Assert.That(rig.Read(16).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA "));
        rig.AssertLegsEqual();
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.None));
        Assert.That(rig.Read(16).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
    }

    // Goal: when all legs tell, none of them is given up and the mirror serves: what was flushed is on each of them.
    [Test]
    public void After_a_crash_legs_that_all_may_have_lost_writes_are_made_alike()
    {
        MirrorRig rig = Crashed();
        rig.Legs[1].Contents(new Sectors(16), new Sectors(8)).Clear();
        for (int leg = 0; leg < rig.Legs.Count; leg++)
            FailNextFlush(rig, leg);
        rig.Start();
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA "));
        rig.AssertLegsEqual();
        Assert.That(rig.Read(0).Data, Is.EqualTo(MirrorRig.Bytes(8, 1)));
    }

    // Goal: after a clean stop, which has flushed everything, nothing is copied for it, and the leg is not failed later.
    [Test]
    public void After_a_clean_stop_nothing_depends_on_it()
    {
        MirrorRig rig = new MirrorRig().Start();
        rig.Write(0, seed: 1);
        rig.Stop();
        FailNextFlush(rig, 1);
        rig.Start();
        Assert.That(rig.Log.Of(2006), Is.Empty);
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.None));
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA "));
    }

    private static MirrorRig Crashed()
    {
        MirrorRig rig = new MirrorRig().Start();
        rig.Write(0, seed: 1);
        rig.Do(TestRequest.Flush());
        rig.Write(16, seed: 2);
        rig.Crash();
        rig.Log.Clear();
        return rig;
    }

    private static void FailNextFlush(MirrorRig rig, int leg)
    {
        ScriptedDevice before = rig.Legs[leg];
        var device = new ForgetfulDevice(rig.Loop, before.Name, before.Length) { FailsNextFlush = true };
        before.Contents().CopyTo(device.Contents());
        rig.Legs[leg] = device;
        rig.AddDevice(device.Name, device);
    }

    /// <summary>A device that has an error to tell: to whoever takes it, else to the first flush.</summary>
    private sealed class ForgetfulDevice(IoLoop loop, string name, Sectors length) : ScriptedDevice(loop, name, length)
    {
        public bool FailsNextFlush { get; set; }

        public override Errno TakeOldError()
        {
            Errno error = FailsNextFlush ? Errno.EIO : Errno.None;
            FailsNextFlush = false;
            return error;
        }

        public override void Submit(BlockRequest request)
        {
            if (request.Operation == BlockOperation.Flush && TakeOldError() is not Errno.None and var error)
                request.Complete(Loop, error, request.Start);
            else
                base.Submit(request);
        }
    }
}
