using DmIo.Testing;

namespace DmIo.Tests;

internal sealed class ManualLoopTests
{
    [Test]
    public void A_scripted_device_holds_fails_and_logs()
    {
        // The tools of the other tests keep their word: held until released, failed where told, logged in order.
        var loop = new ManualLoop();
        var device = new ScriptedDevice(loop, "leg", new Sectors(64)) { Holds = true };
        TestRequest write = TestRequest.Write(new Sectors(8), TestBuffer.Random(new Sectors(8), 1));
        device.Submit(write);
        loop.RunUntilIdle();
        Assert.That(write.IsCompleted, Is.False);
        Assert.That(device.Contents().IndexOfAnyExcept((byte)0), Is.EqualTo(-1));
        device.Fail(new Sectors(10), new Sectors(1), Errno.ENOSPC);
        device.ReleaseAll();
        loop.RunUntilIdle();
        Assert.That(write.Completions, Is.EqualTo(1));
        Assert.That((write.Error, write.FailedAt), Is.EqualTo((Errno.ENOSPC, new Sectors(10))));
        Assert.That(device.Contents().LastIndexOfAnyExcept((byte)0), Is.EqualTo(10 * 512 - 1));
        Assert.That(device.Log, Is.EqualTo(new[]
        {
            new ScriptedCall(BlockOperation.Write, BlockFlags.None, new Sectors(8), new Sectors(8)),
        }));
    }

    [Test]
    public void Timers_run_in_the_order_of_their_instants_when_time_is_advanced()
    {
        // Manual time fires each timer at its own instant, periodic ones as often as they fall due.
        var loop = new ManualLoop();
        var seen = new List<string>();
        using ITimer late = loop.Time.CreateTimer(
            _ => seen.Add($"late {loop.Time.Elapsed.TotalSeconds}"), null, TimeSpan.FromSeconds(5), Timeout.InfiniteTimeSpan);
        using ITimer often = loop.Time.CreateTimer(
            _ => seen.Add($"often {loop.Time.Elapsed.TotalSeconds}"), null, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2));
        loop.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.That(seen, Is.EqualTo(new[] { "often 2", "often 4", "late 5" }));
    }

    // Goal: as on the real loop, or what the engine forgets there would not show under manual time.
    [Test]
    public void A_disposed_timer_cannot_be_set_again()
    {
        var loop = new ManualLoop();
        int times = 0;
        ITimer timer = loop.Time.CreateTimer(_ => times++, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        timer.Dispose();
        Assert.That(timer.Change(TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan), Is.False);
        loop.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.That(times, Is.Zero);
    }

    [Test]
    public void A_held_lane_executes_when_told()
    {
        // A test decides when the blocking part of lane work is done.
        var loop = new ManualLoop { HoldLanes = true };
        Task<int> task = loop.InvokeAsync(async () => await loop.OpenLane("work", 1).RunAsync(() => 7));
        loop.RunUntilIdle();
        Assert.That(task.IsCompleted, Is.False);
        loop.Lanes[0].ExecuteOne();
        Assert.That(loop.Finish(task), Is.EqualTo(7));
    }
}
