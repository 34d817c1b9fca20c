using System.Runtime.CompilerServices;
namespace DmIo.Tests;

[TestFixture("threads")]
[TestFixture("io_uring")]
internal sealed class KernelLoopTests(string kind)
{
    private LoopUnderTest _test = null!;

    [SetUp]
    public void SetUp() => _test = new LoopUnderTest(kind);

    [TearDown]
    public void TearDown() => _test.Dispose();

    [Test]
    public void The_loop_shows_its_backend_and_its_thread()
    {
        // What was asked for is what the status shows, and work runs on the one thread of the loop.
        Assert.That(((KernelLoop)_test.Loop).Backend, Is.EqualTo(kind));
        Assert.That(_test.Loop.IsCurrent, Is.False);
        Assert.That(_test.Run(() => new ValueTask<bool>(_test.Loop.IsCurrent)), Is.True);
    }

    [Test]
    public void Asynchronous_code_stays_on_the_loop_across_awaits()
    {
        // Continuations come back, also those of tasks that end on other threads.
        bool[] current = _test.Run(async () =>
        {
            bool before = _test.Loop.IsCurrent;
            await Task.Run(() => { });
            bool afterTask = _test.Loop.IsCurrent;
            await Task.Yield();
            return new[] { before, afterTask, _test.Loop.IsCurrent };
        });
        Assert.That(current, Is.All.True);
    }

    [Test]
    public void What_a_function_throws_reaches_its_caller()
    {
        // An exception or a cancellation ends the caller's task and not the loop.
        Assert.That(
            () => _test.Run(() => throw new FormatException("mine")), Throws.TypeOf<FormatException>());
        Assert.That(
            () => _test.Run(() => throw new OperationCanceledException()), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(_test.Run(() => new ValueTask<int>(5)), Is.EqualTo(5));
    }

    [Test]
    public void Timers_call_back_on_the_loop_in_the_order_of_their_instants()
    {
        // The loop's clock is a TimeProvider whose timers need no other thread; a disposed one is silent.
        List<string> seen = _test.Run(async () =>
        {
            var order = new List<string>();
            var done = new TaskCompletionSource();
            TimeProvider time = _test.Loop.Time;
            void Note(object? name)
            {
                order.Add($"{name} {_test.Loop.IsCurrent}");
                if (order.Count == 4)
                    done.SetResult();
            }
            await using ITimer third = time.CreateTimer(Note, "third", TimeSpan.FromMilliseconds(6), Timeout.InfiniteTimeSpan);
            await using ITimer first = time.CreateTimer(Note, "first", TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            ITimer never = time.CreateTimer(Note, "never", TimeSpan.FromMilliseconds(2), Timeout.InfiniteTimeSpan);
            await using ITimer second = time.CreateTimer(Note, "second", TimeSpan.FromMilliseconds(3), Timeout.InfiniteTimeSpan);
            await using ITimer moved = time.CreateTimer(Note, "moved", TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            moved.Change(TimeSpan.FromMilliseconds(9), Timeout.InfiniteTimeSpan);
            await never.DisposeAsync();
            await done.Task;
            return order;
        });
        Assert.That(seen, Is.EqualTo(new[] { "first True", "second True", "third True", "moved True" }));
    }

    // Goal: who disposes of a timer hears nothing more of it, though somebody sets it once more.
    [Test]
    public void A_disposed_timer_cannot_be_set_again()
    {
        _test.Run(async () =>
        {
            TimeProvider time = _test.Loop.Time;
            int times = 0;
            ITimer disposed = time.CreateTimer(_ => times++, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            await disposed.DisposeAsync();
            Assert.That(disposed.Change(TimeSpan.Zero, TimeSpan.FromMilliseconds(1)), Is.False);
            var later = new TaskCompletionSource();
            await using ITimer after = time.CreateTimer(
                _ => later.SetResult(), null, TimeSpan.FromMilliseconds(5), Timeout.InfiniteTimeSpan);
            await later.Task;
            Assert.That(times, Is.Zero);
        });
    }

    // Goal: deadlines that do not come, as most, keep nothing in memory until the time when they would have.
    [Test]
    public void What_timers_know_of_goes_when_they_are_disposed() => _test.Run(async () =>
    {
        WeakReference[] states = [.. Enumerable.Range(0, 1000).Select(_ => Disposed(_test.Loop.Time, out WeakReference _))];
        GC.Collect();
        Assert.That(states.Count(s => s.IsAlive), Is.Zero);
        await Task.CompletedTask;
    });

    // Goal: nor do they pile up themselves, though others wait; and those come.
    [Test]
    public void Disposed_timers_do_not_pile_up() => _test.Run(async () =>
    {
        TimeProvider time = _test.Loop.Time;
        int fired = 0;
        ITimer[] waiting = [.. Enumerable.Range(0, 50).Select(i => time.CreateTimer(
            _ => fired++, null, TimeSpan.FromMilliseconds(20 + i), Timeout.InfiniteTimeSpan))];
        var timers = new List<WeakReference>();
        for (int i = 0; i < 10_000; i++)
        {
            _ = Disposed(time, out WeakReference timer);
            timers.Add(timer);
        }
        GC.Collect();
        Assert.That(timers.Count(t => t.IsAlive), Is.LessThan(300));
        var last = new TaskCompletionSource();
        await using ITimer after = time.CreateTimer(
            _ => last.SetResult(), null, TimeSpan.FromMilliseconds(80), Timeout.InfiniteTimeSpan);
        await last.Task;
        Assert.That(fired, Is.EqualTo(waiting.Length));
    });

    [Test]
    public void A_periodic_timer_comes_again_until_it_is_disposed()
    {
        // The loop wakes by itself for each period.
        _test.Run(async () =>
        {
            int times = 0;
            var done = new TaskCompletionSource();
            await using ITimer timer = _test.Loop.Time.CreateTimer(
                _ =>
                {
                    if (++times == 3)
                        done.SetResult();
                },
                null, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(1));
            await done.Task;
        });
    }

    [Test]
    public void What_waits_for_the_batchs_end_runs_after_the_ready_list_and_in_order()
    {
        // Ready work that makes ready work comes first; the end of the batch is really its end.
        List<string> seen = _test.Run(async () =>
        {
            var order = new List<string>();
            var done = new TaskCompletionSource();
            _test.Loop.AtBatchEnd(new Step(order, "end 1", null));
            _test.Loop.AtBatchEnd(new Step(order, "end 2", done.SetResult));
            _test.Loop.Ready(new Step(
                order, "ready 1", () => _test.Loop.Ready(new Step(order, "ready 2", null))));
            await done.Task;
            return order;
        });
        Assert.That(seen, Is.EqualTo(new[] { "ready 1", "ready 2", "end 1", "end 2" }));
    }

    [Test]
    public void A_lane_executes_elsewhere_and_finishes_on_the_loop()
    {
        // What may wait long runs on the lane's workers, as many at once as it has; results come back to the loop.
        _test.Run(async () =>
        {
            using Lane lane = _test.Loop.OpenLane("test", 2);
            using var together = new Barrier(2);
            Task<bool> Work() => lane.RunAsync(() => together.SignalAndWait(TimeSpan.FromSeconds(30)) && !_test.Loop.IsCurrent);
            bool[] elsewhere = await Task.WhenAll(Work(), Work());
            Assert.That(elsewhere, Is.All.True);
            Assert.That(_test.Loop.IsCurrent, Is.True);
            await MustThrowAsync<FormatException>(lane.RunAsync<int>(() => throw new FormatException()));
            int[] many = await Task.WhenAll(Enumerable.Range(0, 1000).Select(i => lane.RunAsync(() => i)));
            Assert.That(many, Is.EqualTo(Enumerable.Range(0, 1000)));
        });
    }

    [Test]
    public void A_lane_closed_in_the_batch_that_gave_it_work_does_that_work()
    {
        // What is queued is executed before the workers end, and the batch's end finds a closed lane in peace.
        int result = _test.Run(async () =>
        {
            Lane lane = _test.Loop.OpenLane("short", 3);
            await lane.RunAsync(() => 1);
            Task<int> work = lane.RunAsync(() => 7);
            lane.Dispose();
            return await work;
        });
        Assert.That(result, Is.EqualTo(7));
    }

    [Test]
    public void A_loop_may_be_disposed_twice()
    {
        // The second time closes no descriptor that has become someone else's.
        _test.Dispose();
        int[] before = OpenDescriptors();
        _test.Dispose();
        Assert.That(OpenDescriptors(), Is.SupersetOf(before));
    }

    [Test]
    public void Io_uring_by_name_is_had_or_refused_and_threads_give_their_reason()
    {
        // No silent fallback: a loop without io_uring says why.
        using KernelLoop loop = KernelLoop.Open("reason", LoopBackend.Threads, out string? reason);
        Assert.That(reason, Is.Not.Null.And.Not.Empty);
        using KernelLoop auto = KernelLoop.Open("auto", LoopBackend.Auto, out string? whyNot);
        Assert.That(auto.Backend == "io_uring", Is.EqualTo(whyNot is null));
    }

    private static int[] OpenDescriptors() =>
        [.. Directory.GetFiles("/proc/self/fd").Select(fd => int.Parse(Path.GetFileName(fd))).Where(fd => fd > 2)];

    private static async Task MustThrowAsync<TException>(Task task)
        where TException : Exception
    {
        try
        {
            await task;
        }
        catch (TException)
        {
            return;
        }
        Assert.Fail($"no {typeof(TException).Name}");
    }

    private sealed class Step(List<string> order, string name, Action? then) : LoopWork
    {
        protected internal override void Run()
        {
            order.Add(name);
            then?.Invoke();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Disposed(TimeProvider time, out WeakReference timer)
    {
        object state = new();
        ITimer created = time.CreateTimer(_ => { }, state, TimeSpan.FromHours(1), Timeout.InfiniteTimeSpan);
        created.Dispose();
        timer = new WeakReference(created);
        return new WeakReference(state);
    }
}
