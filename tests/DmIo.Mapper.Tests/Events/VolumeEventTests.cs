namespace DmIo.Mapper.Tests;

public sealed class VolumeEventTests
{
    // Goal: a leg that fails, returns and is mended tells each step once, with all that is known of it; numbers rise as
    // device-mapper's do.
    [Test]
    public void A_legs_way_out_and_back_is_told()
    {
        var events = new EventRing();
        MirrorRig rig = new MirrorRig().With(options => options with { Events = events }).Start();
        rig.Legs[1].Fail(new(2048), new(8), Errno.EIO, BlockOperation.Write);
        Assert.That(rig.Write(2048), Is.EqualTo(Errno.None));
        rig.Legs[1].Heal();
        rig.Advance(5);
        Assert.That(events.Since(0).Select(e => e.Kind), Is.EqualTo(new[]
        {
            VolumeEventKind.LegLeft, VolumeEventKind.LegReturned, VolumeEventKind.RecoveryBegan,
            VolumeEventKind.LegInSync, VolumeEventKind.StatusChanged,
        }));
        VolumeEvent left = events.Since(0)[0];
        Assert.That(left.Number, Is.EqualTo(1));
        Assert.That(left.Volume, Is.EqualTo("vol0"));
        Assert.That(left.Status, Is.EqualTo("0 32768 mirror 2 leg0 leg1 31/32 1 AD 1 core"));
        Assert.That(left.Details, Is.EqualTo(new EventDetails
        {
            Leg = 1,
            Device = "leg1",
            Operation = BlockOperation.Write,
            Sector = 2048,
            Region = 2,
            Errno = Errno.EIO,
            ErrorBits = 2,
        }));
        Assert.That(left.Text, Is.EqualTo("leg 1 leg1 failed: Write at sector 2048: EIO, error bits 0x2; it left the set"));
        Assert.That(events.Since(0)[^1].Number, Is.EqualTo(rig.Device.EventNumber).And.EqualTo(3));
        Assert.That(events.Since(3).Select(e => e.Sequence), Is.EqualTo(new long[] { 4, 5 }));
    }

    // Goal: the ring forgets the oldest, and goes on counting.
    [Test]
    public void The_ring_is_bounded()
    {
        var ring = new EventRing(capacity: 2);
        for (int i = 0; i < 5; i++)
            Add(ring);
        Assert.That(ring.Since(0).Select(e => e.Sequence), Is.EqualTo(new long[] { 4, 5 }));
        Assert.That(ring.Last, Is.EqualTo(5));
    }

    // Goal: who waits for the next event is woken by it, who is late is not kept waiting, who gives up may.
    [Test]
    public async Task Waiting_ends_with_the_next_event()
    {
        var ring = new EventRing();
        Task next = ring.WaitAsync(0, CancellationToken.None);
        Assert.That(next.IsCompleted, Is.False);
        Add(ring);
        await next;
        Assert.That(ring.WaitAsync(0, CancellationToken.None).IsCompletedSuccessfully);
        using var giveUp = new CancellationTokenSource();
        Task never = ring.WaitAsync(1, giveUp.Token);
        await giveUp.CancelAsync();
        Assert.That(async () => await never, Throws.InstanceOf<OperationCanceledException>());
    }

    private static void Add(EventRing ring) => ring.Add(sequence => new VolumeEvent(
        sequence, sequence, DateTimeOffset.UnixEpoch, "v", VolumeEventKind.StatusChanged, default, ""));
}
