using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class DelayTests
{
    // Goal: every request waits its time on the loop's clock before the device sees it; the counters tell what waits.
    [Test]
    public void Requests_wait_their_time()
    {
        MirrorRig rig = Delay("leg0 8 100");
        TestRequest read = rig.Submit(TestRequest.Read(new(0), new TestBuffer(512)));
        TestRequest write = rig.Submit(TestRequest.Write(new(0), TestBuffer.Random(new(1), 1)));
        TestRequest discard = rig.Submit(TestRequest.Discard(new(8), new(1)));
        TestRequest flush = rig.Submit(TestRequest.Flush());
        Assert.That(rig.Status, Is.EqualTo("0 100 delay 1 2 1"));
        rig.Advance(0.0999);
        Assert.That(rig.Legs[0].Log, Is.Empty);
        rig.Advance(0.0001);
        Assert.That(new[] { read, write, discard, flush }.Select(request => request.Completions), Is.All.EqualTo(1));
        Assert.That(rig.Status, Is.EqualTo("0 100 delay 0 0 0"));
        Assert.That(rig.Legs[0].Log[0], Is.EqualTo(new ScriptedCall(BlockOperation.Read, default, new(8), new(1))));
    }

    // Goal: requests of one kind leave in the order in which they came, each at its own time.
    [Test]
    public void A_queue_keeps_its_order()
    {
        MirrorRig rig = Delay("leg0 0 100");
        for (int i = 0; i < 5; i++)
        {
            rig.Submit(TestRequest.Write(new(i * 8), TestBuffer.Random(new(1), 1)));
            rig.Advance(0.02);
        }
        Assert.That(rig.Legs[0].Log.Select(call => call.Start.Count), Is.EqualTo(new[] { 0 }));
        for (int i = 1; i < 5; i++)
        {
            rig.Advance(0.02);
            Assert.That(rig.Legs[0].Log[^1].Start.Count, Is.EqualTo(i * 8));
            Assert.That(rig.Legs[0].Log, Has.Count.EqualTo(i + 1));
        }
    }

    // Goal: no delay is none.
    [Test]
    public void Nothing_waits_without_a_delay()
    {
        MirrorRig rig = Delay("leg0 0 0 leg1 0 1000");
        Assert.That(rig.Read(0).Error, Is.EqualTo(Errno.None));
        Assert.That(rig.Submit(TestRequest.Write(new(0), new TestBuffer(512))).IsCompleted, Is.False);
    }

    // Goal: with six arguments writes and flushes go elsewhere, with nine flushes do too, each with its delay.
    [TestCase("leg0 1 0 leg1 2 10", "leg0 Read 1, leg1 Write 2, leg1 Discard 10, leg1 Flush 0")]
    [TestCase("leg0 1 0 leg1 2 10 leg2 3 20", "leg0 Read 1, leg1 Write 2, leg1 Discard 10, leg2 Flush 0")]
    [TestCase("leg0 1 5 leg0 1 10 leg0 1 20", "leg0 Read 1, leg0 Write 1, leg0 Discard 9, leg0 Flush 0")]
    public void Kinds_of_requests_go_their_own_ways(string arguments, string calls)
    {
        MirrorRig rig = Delay(arguments);
        rig.Submit(TestRequest.Flush());
        rig.Submit(TestRequest.Write(new(0), new TestBuffer(512)));
        rig.Submit(TestRequest.Discard(new(8), new(8)));
        rig.Submit(TestRequest.Read(new(0), new TestBuffer(512)));
        rig.Advance(0.02);
        Assert.That(string.Join(", ", rig.Legs.SelectMany(
            leg => leg.Log.OrderBy(call => call.Operation == BlockOperation.Flush).ThenBy(call => call.Operation)
                .Select(call => $"{leg.Name} {call.Operation} {call.Start}"))), Is.EqualTo(calls));
    }

    // Goal: the stop releases all at once and waits for it before it flushes.
    [Test]
    public void The_stop_releases_all()
    {
        MirrorRig rig = Delay("leg0 0 3600000");
        TestRequest[] writes =
            [.. Enumerable.Range(0, 5).Select(i => rig.Submit(TestRequest.Write(new(i * 8), new TestBuffer(512))))];
        rig.Legs[0].Holds = true;
        Task stop = rig.Device.StopAsync();
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Legs[0].Held, Has.Count.EqualTo(5));
        Assert.That(rig.Legs[0].Log.Any(call => call.Operation == BlockOperation.Flush), Is.False);
        rig.Legs[0].Holds = false;
        rig.Legs[0].ReleaseAll();
        rig.Loop.Finish(stop);
        Assert.That(writes.Select(write => (write.Completions, write.Error)), Is.All.EqualTo((1, Errno.None)));
        Assert.That(rig.Legs[0].Log[^1].Operation, Is.EqualTo(BlockOperation.Flush));
        rig.Loop.Run(rig.Device.DisposeAsync);
    }

    // Goal: a suspension waits for no delay, and delays are back after the resume.
    [Test]
    public void A_suspension_releases_all()
    {
        MirrorRig rig = Delay("leg0 0 3600000");
        TestRequest write = rig.Submit(TestRequest.Write(new(0), new TestBuffer(512)));
        rig.Loop.Finish(rig.Device.SuspendAsync());
        Assert.That((write.Completions, write.Error), Is.EqualTo((1, Errno.None)));
        Assert.That(rig.Legs[0].Log[^1].Operation, Is.EqualTo(BlockOperation.Flush), "not delayed either");
        rig.Loop.Finish(rig.Device.ResumeAsync());
        Assert.That(rig.Submit(TestRequest.Write(new(0), new TestBuffer(512))).IsCompleted, Is.False);
        Assert.That(rig.Status, Is.EqualTo("0 100 delay 0 1 0"));
    }

    // Goal: the kernel's echo.
    [TestCase("leg0 8 100")]
    [TestCase("leg0 0 0 leg1 8 500")]
    [TestCase("leg0 0 0 leg0 0 500 leg0 0 20")]
    public void Is_echoed_as_the_kernel_does(string arguments)
    {
        MirrorRig rig = Delay(arguments);
        Assert.That(rig.Device.TableLine(), Is.EqualTo("0 100 delay " + arguments));
        Assert.That(rig.Status, Is.EqualTo("0 100 delay 0 0 0"));
    }

    // Goal: a leg behind a delay is what deadlines are for: it leaves the mirror, and the volume goes on.
    [Test]
    public void A_slow_leg_leaves_its_mirror()
    {
        MirrorRig rig = Delay("leg1 0 0 leg1 0 60000");
        rig.AddDevice("dm:slow", rig.Device);
        rig.TableText = "0 96 mirror core 2 8 nosync 2 leg0 0 dm:slow 0";
        rig.WithMirror(options => options with { LegDeadline = TimeSpan.FromSeconds(4) }).Start();
        TestRequest write = rig.Submit(TestRequest.Write(new(0), new TestBuffer(512)));
        rig.Advance(6);
        Assert.That((write.Completions, write.Error), Is.EqualTo((1, Errno.None)));
        Assert.That(rig.Status, Does.Contain(" 1 AD "));
    }

    private static MirrorRig Delay(string arguments) =>
        new MirrorRig(legs: 3) { TableText = "0 100 delay " + arguments }.Start();
}
