using DmIo.Testing;

namespace DmIo.Tests;

internal sealed class OrderedDeviceTests
{
    private ManualLoop _loop = null!;
    private ScriptedDevice _inner = null!;
    private PassThroughDevice _device = null!;

    [SetUp]
    public void SetUp()
    {
        _loop = new ManualLoop();
        _inner = new ScriptedDevice(_loop, "inner", new Sectors(64)) { Holds = true };
        _device = new PassThroughDevice(_inner);
    }

    [Test]
    public void Overlapping_changes_reach_the_device_one_after_the_other()
    {
        // The second write, discard or write-zeroes of a range starts when the first has ended; reads do not wait.
        TestRequest first = TestRequest.Write(Sectors.Zero, TestBuffer.Random(new Sectors(8), 1));
        TestRequest second = TestRequest.WriteZeroes(new Sectors(7), new Sectors(8));
        TestRequest third = TestRequest.Discard(new Sectors(14), new Sectors(2));
        TestRequest read = TestRequest.Read(Sectors.Zero, new TestBuffer(4096));
        foreach (TestRequest request in new[] { first, second, third, read })
            _device.Submit(request);
        _loop.RunUntilIdle();
        Assert.That(Submitted(), Is.EqualTo(new[] { BlockOperation.Write, BlockOperation.Read }));
        _inner.ReleaseAll();
        _loop.RunUntilIdle();
        _inner.ReleaseAll();
        _loop.RunUntilIdle();
        Assert.That(third.IsCompleted, Is.False);
        _inner.ReleaseAll();
        _loop.RunUntilIdle();
        Assert.That(new[] { first, second, third, read }.Select(r => r.Completions), Is.All.EqualTo(1));
        Assert.That(_device.Turns.Count, Is.Zero);
    }

    [Test]
    public void The_turn_is_back_before_the_request_completes()
    {
        // From its completion a request may be submitted again without waiting for itself.
        _inner.Holds = false;
        TestRequest request = TestRequest.Write(Sectors.Zero, TestBuffer.Random(new Sectors(8), 1));
        request.OnCompleted = r =>
        {
            if (r.Completions < 3)
                _device.Submit(r);
        };
        _device.Submit(request);
        _loop.RunUntilIdle();
        Assert.That(request.Completions, Is.EqualTo(3));
    }

    [Test]
    public void An_abandoned_request_that_has_not_started_never_does()
    {
        // Its connection died while it waited for its turn: ECANCELED, and the next in line goes on.
        TestRequest first = TestRequest.Write(Sectors.Zero, TestBuffer.Random(new Sectors(8), 1));
        TestRequest abandoned = TestRequest.Write(Sectors.Zero, TestBuffer.Random(new Sectors(8), 2));
        TestRequest last = TestRequest.Write(Sectors.Zero, TestBuffer.Random(new Sectors(8), 3));
        foreach (TestRequest request in new[] { first, abandoned, last })
            _device.Submit(request);
        abandoned.IsAbandoned = true;
        _inner.Holds = false;
        _inner.ReleaseAll();
        _loop.RunUntilIdle();
        Assert.That((abandoned.Error, abandoned.Completions), Is.EqualTo((Errno.ECANCELED, 1)));
        Assert.That((last.Error, last.Completions), Is.EqualTo((Errno.None, 1)));
        Assert.That(_inner.Log, Has.Count.EqualTo(2));
    }

    [Test]
    public void Whoever_holds_the_turn_is_not_queued_behind_it()
    {
        // Read-modify-write takes the turn once, and its write goes through while others wait.
        var turn = new SilentTurn();
        Assert.That(_device.Turns.TryEnter(turn, Sectors.Zero, new Sectors(16)), Is.True);
        TestRequest other = TestRequest.Write(Sectors.Zero, TestBuffer.Random(new Sectors(8), 1));
        TestRequest own = TestRequest.Write(Sectors.Zero, TestBuffer.Random(new Sectors(8), 2));
        own.HeldTurn = turn;
        _inner.Holds = false;
        _device.Submit(other);
        _device.Submit(own);
        _loop.RunUntilIdle();
        Assert.That((own.Completions, other.Completions), Is.EqualTo((1, 0)));
        _device.Turns.Leave(turn);
        _loop.RunUntilIdle();
        Assert.That(other.Completions, Is.EqualTo(1));
    }

    [Test]
    public void Failures_come_through_with_their_sector()
    {
        // What the device below tells is told above, and invalid requests do not even take a turn.
        _inner.Holds = false;
        _inner.Fail(new Sectors(5), new Sectors(1), Errno.ENOSPC);
        TestRequest write = TestRequest.Write(Sectors.Zero, TestBuffer.Random(new Sectors(8), 1));
        TestRequest outside = TestRequest.Write(new Sectors(60), TestBuffer.Random(new Sectors(8), 1));
        _device.Submit(write);
        _device.Submit(outside);
        _loop.RunUntilIdle();
        Assert.That((write.Error, write.FailedAt), Is.EqualTo((Errno.ENOSPC, new Sectors(5))));
        Assert.That(outside.Error, Is.EqualTo(Errno.EINVAL));
        Assert.That(_inner.Log, Has.Count.EqualTo(1));
    }

    [Test]
    public void The_device_below_shows_through()
    {
        // Name, size, block size and abilities are those of the device below.
        _inner.ReadOnly = true;
        _inner.DiscardCapability = new Sectors(3);
        _inner.WriteZeroesCapability = new Sectors(4);
        Assert.That(
            (_device.Name, _device.Length, _device.LogicalBlockBytes, _device.IsReadOnly, _device.DiscardLimit, _device.WriteZeroesLimit),
            Is.EqualTo(("inner", new Sectors(64), 512, true, new Sectors(3), new Sectors(4))));
    }

    private IEnumerable<BlockOperation> Submitted() => _inner.Log.Select(call => call.Operation);

    private sealed class SilentTurn : Turn
    {
        protected override void Granted() => Assert.Fail("granted twice");
    }
}
