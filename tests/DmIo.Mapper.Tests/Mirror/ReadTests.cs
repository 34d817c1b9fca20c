using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class ReadTests
{
    // Goal: a read goes to one leg only, the first.
    [Test]
    public void A_read_goes_to_the_first_leg()
    {
        MirrorRig rig = new MirrorRig(3).Start();
        rig.Read(0);
        Assert.That(rig.Legs.Select(leg => leg.Log.Count), Is.EqualTo(new[] { 1, 0, 0 }));
    }

    // Goal: each leg is tried once until one can read; the failing ones are told with sector and errno and stay in the
    // set.
    [Test]
    public void A_read_fails_over_until_a_leg_can()
    {
        MirrorRig rig = new MirrorRig(3).WithMirror(_ => MirrorRig.AsTheKernel).Start();
        rig.Write(100, 16, seed: 5);
        rig.Legs[0].Fail(new(104), new(1), Errno.EIO, BlockOperation.Read);
        rig.Legs[1].Fail(new(106), new(1), Errno.EIO, BlockOperation.Read);
        (Errno error, byte[] data) = rig.Read(100, 16);
        Assert.That(error, Is.EqualTo(Errno.None));
        Assert.That(data, Is.EqualTo(MirrorRig.Bytes(16, 5)));
        Assert.That(rig.Status, Does.Contain(" 32/32 1 RRA "));
        Assert.That(rig.Log.Of(2003), Is.EqualTo(new[]
        {
            "vol0: leg 0 leg0 failed: Read at sector 104: EIO, error bits 0x1; it stays in the set",
            "vol0: leg 1 leg1 failed: Read at sector 106: EIO, error bits 0x2; it stays in the set",
        }));
        rig.Write(100, 16, seed: 6);
        rig.AssertLegsEqual();
        rig.AssertRecorded("in", "in", "in");
    }

    // Goal: a leg that has shown a read error still serves what no other leg can read.
    [Test]
    public void A_leg_with_read_errors_serves_what_others_cannot()
    {
        MirrorRig rig = new MirrorRig().WithMirror(_ => MirrorRig.AsTheKernel).Start();
        rig.Write(200, seed: 5);
        rig.Legs[0].Fail(new(100), new(1), Errno.EIO, BlockOperation.Read);
        rig.Read(100);
        rig.Legs[1].Fail(new(200), new(1), Errno.EIO, BlockOperation.Read);
        Assert.That(rig.Read(200).Data, Is.EqualTo(MirrorRig.Bytes(8, 5)));
    }

    // Goal: when no leg can read, the client gets EIO, the failing sector, and no stale bytes.
    [Test]
    public void When_no_leg_can_read_the_buffer_is_zeroes()
    {
        MirrorRig rig = new MirrorRig().Start();
        foreach (ScriptedDevice leg in rig.Legs)
            leg.Fail(new(104), new(1), Errno.EIO, BlockOperation.Read);
        TestBuffer buffer = TestBuffer.Random(new(8), 1);
        TestRequest read = rig.Submit(TestRequest.Read(new(100), buffer));
        Assert.That((read.Completions, read.Error, read.FailedAt), Is.EqualTo((1, Errno.EIO, new Sectors(104))));
        Assert.That(buffer.Span.ToArray(), Is.All.Zero);
    }

    // Goal: where all legs failed a write they may differ, so reads of the device come from one leg alone from then on.
    [Test]
    public void After_a_torn_write_reads_come_from_one_leg()
    {
        MirrorRig rig = new MirrorRig().Start();
        rig.Legs[0].Fail(new(104), new(1), Errno.EIO, BlockOperation.Write);
        rig.Legs[1].Fail(new(102), new(1), Errno.EIO, BlockOperation.Write);
        Assert.That(rig.Write(100, 8, seed: 2), Is.EqualTo(Errno.EIO));
        byte[] before = rig.Read(100).Data;
        rig.Legs[0].Fail(new(5000), new(1), Errno.EIO, BlockOperation.Read);
        rig.Read(5000);
        Assert.That(rig.Read(100).Data, Is.EqualTo(before));
    }
}
