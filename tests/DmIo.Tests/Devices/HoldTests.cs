using DmIo.Testing;

namespace DmIo.Tests;

/// <summary>What outlives a completion: holds on memory, turns that are kept, answers in other memory.</summary>
internal sealed class HoldTests
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
    public void A_hold_outlives_the_completion_and_its_end_is_told_once()
    {
        // The maker sees the hold when the request completes, and is told when the last of two has ended.
        TestRequest write = Write(1);
        bool wasHeld = false;
        write.OnCompleted = request => wasHeld = request.IsHeld;
        _inner.Submit(write);
        write.Hold();
        _inner.CompleteEarly(write);
        _loop.RunUntilIdle();
        Assert.That((wasHeld, write.Completions, write.Unholds), Is.EqualTo((true, 1, 0)));
        write.Unhold();
        Assert.That((write.IsHeld, write.Unholds), Is.EqualTo((true, 0)));
        _inner.Land(write);
        _loop.RunUntilIdle();
        Assert.That((write.IsHeld, write.Completions, write.Unholds), Is.EqualTo((false, 1, 1)));
        Assert.That(write.Unhold, Throws.InvalidOperationException);
    }

    [Test]
    public void A_hold_that_ends_before_the_maker_sees_the_completion_is_not_told()
    {
        // The request is free in Completed already, so nothing must come after it.
        TestRequest write = Write(1);
        bool wasHeld = true;
        write.OnCompleted = request => wasHeld = request.IsHeld;
        _inner.Submit(write);
        _inner.CompleteEarly(write);
        _inner.Land(write);
        _loop.RunUntilIdle();
        Assert.That((wasHeld, write.Completions, write.Unholds), Is.EqualTo((false, 1, 0)));
    }

    [Test]
    public void Holds_pass_through_and_keep_the_object_beneath()
    {
        // While the child is in use neither the parent is free nor the child travels with another request.
        TestRequest first = Write(1);
        TestRequest second = Write(2);
        second.Start = new Sectors(8);
        _device.Submit(first);
        BlockRequest child = _inner.Held[0];
        _inner.CompleteEarly(child, Errno.ETIMEDOUT);
        _loop.RunUntilIdle();
        Assert.That((first.Error, first.Completions, first.IsHeld), Is.EqualTo((Errno.ETIMEDOUT, 1, true)));
        _device.Submit(second);
        Assert.That(_inner.Held[0], Is.Not.SameAs(child));
        _inner.ReleaseAll();
        _loop.RunUntilIdle();
        _inner.Land(child);
        Assert.That((first.IsHeld, first.Unholds, second.IsHeld, second.Unholds), Is.EqualTo((false, 1, false, 0)));
        Assert.That(_inner.Contents(Sectors.Zero, new Sectors(8)).SequenceEqual(first.Buffer!.Span), Is.True);
        _device.Submit(second);
        Assert.That(_inner.Held[0], Is.SameAs(child), "free again");
    }

    [Test]
    public void A_kept_turn_keeps_later_changes_waiting_after_the_completion()
    {
        // A quorum write: its client has its answer, and what overlaps waits until the laggard has landed too.
        TestRequest first = Write(1);
        TestRequest second = Write(2);
        _device.Submit(first);
        _device.Submit(second);
        KeptTurn turn = first.KeepTurn()!;
        Assert.That(first.KeepTurn(), Is.Null, "there is one");
        _inner.ReleaseAll();
        _loop.RunUntilIdle();
        Assert.That((first.Completions, _inner.Log.Count), Is.EqualTo((1, 1)));
        turn.Finish();
        _loop.RunUntilIdle();
        _inner.ReleaseAll();
        _loop.RunUntilIdle();
        Assert.That((second.Completions, _device.Turns.Count), Is.EqualTo((1, 0)));
    }

    [Test]
    public void Who_holds_a_turn_already_has_none_of_its_own_to_keep()
    {
        // Read-modify-write gives its turn back itself: its device must not answer early.
        var turn = new SilentTurn();
        Assert.That(_device.Turns.TryEnter(turn, Sectors.Zero, new Sectors(16)), Is.True);
        TestRequest write = Write(1);
        write.HeldTurn = turn;
        _device.Submit(write);
        Assert.That(write.KeepTurn(), Is.Null);
    }

    [Test]
    public void An_answer_in_other_memory_passes_through()
    {
        // The late read still owns the request's memory, so the data comes from elsewhere and goes back once.
        var buffer = new TestBuffer(4096);
        TestBuffer other = TestBuffer.Random(new Sectors(8), 3);
        var owner = new Owner();
        TestRequest read = TestRequest.Read(Sectors.Zero, buffer);
        read.TakesAny = true;
        _device.Submit(read);
        BlockRequest child = _inner.Held[0];
        Assert.That(child.TakesOtherMemory, Is.True);
        child.AnswerWith(other.Vector, owner);
        _inner.CompleteEarly(child);
        _loop.RunUntilIdle();
        byte[] got = new byte[4096];
        read.AnsweredData.CopyTo(got);
        Assert.That(got, Is.EqualTo(other.Span.ToArray()));
        read.ReleaseAnswer();
        read.ReleaseAnswer();
        Assert.That(owner.Releases, Is.EqualTo(1));
        read.AnsweredData.CopyTo(got);
        Assert.That(got, Is.All.Zero, "its own memory again");
        _inner.Land(child);
        Assert.That(read.Unholds, Is.EqualTo(1));
    }

    [Test]
    public void Who_would_not_look_at_other_memory_is_not_answered_from_it()
    {
        // Silent success with data nobody reads would be corruption.
        TestRequest read = TestRequest.Read(Sectors.Zero, new TestBuffer(4096));
        _device.Submit(read);
        BlockRequest child = _inner.Held[0];
        TestBuffer other = TestBuffer.Random(new Sectors(8), 3);
        Assert.That(() => child.AnswerWith(other.Vector, new Owner()), Throws.InvalidOperationException);
    }

    [Test]
    public void Holds_and_kept_turns_allocate_nothing_when_warm()
    {
        // Rule 2: requests that time out come in crowds.
        TestRequest write = Write(1);
        void Run(int times)
        {
            for (int i = 0; i < times; i++)
            {
                _device.Submit(write);
                KeptTurn turn = write.KeepTurn()!;
                BlockRequest child = _inner.Held[0];
                _inner.CompleteEarly(child);
                _loop.RunUntilIdle();
                _inner.Land(child);
                turn.Finish();
                _inner.ClearLog();
            }
        }
        Run(10);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run(1000);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
        Assert.That(write.Unholds, Is.EqualTo(1010));
    }

    private static TestRequest Write(int seed) =>
        TestRequest.Write(Sectors.Zero, TestBuffer.Random(new Sectors(8), seed));

    private sealed class Owner : IReadBuffer
    {
        public int Releases { get; private set; }

        public void Release() => Releases++;
    }

    private sealed class SilentTurn : Turn
    {
        protected override void Granted() => Assert.Fail("granted twice");
    }
}
