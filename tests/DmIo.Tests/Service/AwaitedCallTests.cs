using DmIo.Testing;

namespace DmIo.Tests;

/// <summary>The idiomatic face: ValueTask, Memory, cancellation, disposal.</summary>
internal sealed class AwaitedCallTests
{
    private ManualLoop _loop = null!;
    private ScriptedDevice _leg = null!;
    private IoClient _client = null!;

    [SetUp]
    public void SetUp()
    {
        _loop = new ManualLoop();
        _leg = new ScriptedDevice(_loop, "leg", new Sectors(4096));
        _client = new IoClient(_loop, 1);
    }

    [Test]
    public void Everything_is_done_with_plain_managed_memory()
    {
        // Arrays of any alignment are pinned for the duration; all five operations are there.
        byte[] written = new byte[4096 + 7];
        new Random(1).NextBytes(written);
        byte[] read = new byte[4096];
        _loop.Run(async () =>
        {
            Assert.That((await _client.WriteAsync([Region(8, 8)], written.AsMemory(7), BlockFlags.Fua)).IsSuccess, Is.True);
            Assert.That((await _client.FlushAsync([Region(0, 0)])).IsSuccess, Is.True);
            Assert.That((await _client.ReadAsync(Region(8, 8), read)).IsSuccess, Is.True);
            Assert.That(read.AsSpan().SequenceEqual(written.AsSpan(7)), Is.True);
            Assert.That((await _client.WriteZeroesAsync([Region(8, 4)], BlockFlags.NoUnmap)).IsSuccess, Is.True);
            Assert.That((await _client.DiscardAsync([Region(12, 4)])).IsSuccess, Is.True);
            Assert.That((await _client.ExecuteAsync(
                BlockOperation.Read, BlockFlags.None, [Region(8, 8)], IoMemory.FromVector(new TestBuffer(4096).Vector)))
                .IsSuccess, Is.True);
        });
        Assert.That(_leg.Contents().ContainsAnyExcept((byte)0), Is.False);
    }

    [Test]
    public void Failures_and_refusals_are_values()
    {
        // No exception for what can fail: error bits with EIO, or the refusal's errno without an outcome.
        _leg.FailAll(Errno.ENOSPC);
        _loop.Run(async () =>
        {
            IoResult failed = await _client.WriteAsync([Region(0, 8)], new byte[4096]);
            Assert.That((failed.Errno, failed.Outcome.ErrorBits, failed.IsRefused), Is.EqualTo((Errno.EIO, 1UL, false)));
            Assert.That(failed.Outcome[0]!.Value.Errno, Is.EqualTo(Errno.ENOSPC));
            IoResult refused = await _client.WriteAsync([Region(0, 9)], new byte[4096]);
            Assert.That((refused.Errno, refused.IsRefused), Is.EqualTo((Errno.EINVAL, true)));
        });
    }

    [Test]
    public void A_request_cancelled_while_it_waits_for_the_pool_is_never_issued()
    {
        // Its task is cancelled at once, the one before and the one behind it are done.
        _leg.Holds = true;
        using var cancel = new CancellationTokenSource();
        Task<IoResult> first = Write(0, default);
        Task<IoResult> second = Write(8, cancel.Token);
        Task<IoResult> third = Write(16, default);
        _loop.RunUntilIdle();
        Assert.That(_client.Statistics.Waiting, Is.EqualTo(2));
        cancel.Cancel();
        _loop.RunUntilIdle();
        Assert.That(_client.Statistics.Waiting, Is.EqualTo(1));
        var cancelled = Assert.Catch<OperationCanceledException>(() => second.GetAwaiter().GetResult());
        Assert.That(cancelled!.CancellationToken, Is.EqualTo(cancel.Token));
        _leg.Holds = false;
        _leg.ReleaseAll();
        _loop.RunUntilIdle();
        Assert.That((first.Result.IsSuccess, third.Result.IsSuccess), Is.EqualTo((true, true)));
        Assert.That(_leg.Log.Select(call => call.Start.Count), Is.EqualTo(new[] { 0L, 16 }));
    }

    [Test]
    public void A_request_cancelled_under_way_runs_to_its_end()
    {
        // Its memory is in use until then, so the result is the real one.
        _leg.Holds = true;
        using var cancel = new CancellationTokenSource();
        Task<IoResult> write = Write(0, cancel.Token);
        _loop.RunUntilIdle();
        cancel.Cancel();
        _loop.RunUntilIdle();
        Assert.That(write.IsCompleted, Is.False);
        _leg.ReleaseAll();
        _loop.RunUntilIdle();
        Assert.That(write.Result.IsSuccess, Is.True);
    }

    [Test]
    public void A_token_cancelled_before_the_call_issues_nothing_and_one_cancelled_after_the_end_does_nothing()
    {
        // Too early and too late are both harmless, also for the next user of the pooled request.
        using var cancel = new CancellationTokenSource();
        for (int i = 0; i < 3; i++)
        {
            Task<IoResult> done = Write(0, cancel.Token);
            _loop.RunUntilIdle();
            Assert.That(done.Result.IsSuccess, Is.True);
        }
        cancel.Cancel();
        Assert.That(Write(0, cancel.Token).IsCanceled, Is.True);
        Task<IoResult> next = Write(8, default);
        _loop.RunUntilIdle();
        Assert.That(next.Result.IsSuccess, Is.True);
        Assert.That(_leg.Log, Has.Count.EqualTo(4));
    }

    [Test]
    public void A_request_cancelled_on_its_way_to_the_loop_does_not_disturb_its_neighbours()
    {
        // From another thread the request and its cancellation both lie in the mailbox of a loop that stands still: it
        // is taken back if no context was free when it came, and the pool is as it was.
        _leg.Holds = true;
        Task<IoResult> first = Write(0, default);
        using var cancel = new CancellationTokenSource();
        Task<IoResult> second = Task.Run(() =>
        {
            Task<IoResult> write = Write(8, cancel.Token);
            cancel.Cancel();
            return write;
        });
        Assert.That(SpinWait.SpinUntil(() => cancel.IsCancellationRequested, TimeSpan.FromSeconds(30)), Is.True);
        _loop.RunUntilIdle();
        _leg.Holds = false;
        _leg.ReleaseAll();
        Assert.That(
            SpinWait.SpinUntil(
                () =>
                {
                    _loop.RunUntilIdle();
                    return first.IsCompleted && second.IsCompleted;
                },
                TimeSpan.FromSeconds(30)),
            Is.True);
        Assert.That((first.Result.IsSuccess, second.IsCanceled), Is.EqualTo((true, true)));
        Assert.That(_leg.Log, Has.Count.EqualTo(1));
        Assert.That(_client.Statistics, Is.EqualTo(new IoPoolStatistics(1, 0, 0, 1, 1)));
    }

    [Test]
    public void A_cancellation_that_overtakes_its_request_takes_it_back_on_arrival()
    {
        // The token is cancelled inside the call, before the request is posted, and a context is free: never issued.
        using var cancel = new CancellationTokenSource();
        var device = new CancellingDevice(_loop, cancel);
        Task<IoResult> write = _loop.RunBeside(() => _client.WriteAsync(
            [new(device, Sectors.Zero, new Sectors(8))], new byte[4096], cancellationToken: cancel.Token).AsTask());
        Assert.That(SpinWait.SpinUntil(() => write.IsCompleted, TimeSpan.FromSeconds(30)), Is.True);
        Assert.That(write.IsCanceled, Is.True);
        Assert.That(device.Log, Is.Empty);
        Assert.That(_client.Statistics, Is.EqualTo(new IoPoolStatistics(1, 0, 0, 0, 0)));
    }

    [Test]
    public void Disposal_waits_for_what_was_accepted_and_refuses_the_rest()
    {
        // Waiting and running requests end as they should; a later one gets ESHUTDOWN; then the disposal ends.
        _leg.Holds = true;
        Task<IoResult>[] accepted = [Write(0, default), Write(8, default), Write(16, default)];
        Task disposal = _client.DisposeAsync().AsTask();
        Task<IoResult> late = Write(24, default);
        _loop.RunUntilIdle();
        Assert.That((late.Result.Errno, late.Result.IsRefused), Is.EqualTo((Errno.ESHUTDOWN, true)));
        for (int i = 0; i < 3; i++)
        {
            Assert.That(disposal.IsCompleted, Is.False);
            _leg.ReleaseAll();
            _loop.RunUntilIdle();
        }
        Assert.That(accepted.Select(task => task.Result.IsSuccess), Is.All.True);
        Assert.That(disposal.Wait(TimeSpan.FromSeconds(30)), Is.True);
        Assert.That(_client.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(30)), Is.True, "a second time");
    }

    [Test]
    public void Many_threads_share_a_client_while_it_is_disposed()
    {
        // From any thread, with cancellations and a disposal in between: everything ends, once, one way or the other.
        using KernelLoop loop = KernelLoop.Open("shared", LoopBackend.Threads, out _);
        loop.Start();
        var device = new MemoryDevice(loop, "memory", new Sectors(4096));
        var client = new IoClient(loop, 2);
        int done = 0;
        int cancelled = 0;
        int refused = 0;
        Task[] users = [.. Enumerable.Range(0, 4).Select(user => Task.Run(async () =>
        {
            byte[] buffer = new byte[4096];
            for (int i = 0; i < 2000; i++)
            {
                using var cancel = new CancellationTokenSource();
                ValueTask<IoResult> write = client.WriteAsync(
                    [new(device, new Sectors(user * 8), new Sectors(8))], buffer, cancellationToken: cancel.Token);
                if (i % 3 == 0)
                    cancel.Cancel();
                if (user == 0 && i == 1000)
                    _ = client.DisposeAsync().AsTask();
                try
                {
                    Interlocked.Increment(ref (await write).IsSuccess ? ref done : ref refused);
                }
                catch (OperationCanceledException)
                {
                    Interlocked.Increment(ref cancelled);
                }
            }
        }))];
        Assert.That(Task.WaitAll(users, TimeSpan.FromSeconds(60)), Is.True);
        Assert.That(client.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(60)), Is.True);
        Assert.That(done + cancelled + refused, Is.EqualTo(8000));
        Assert.That((done > 0, refused > 0), Is.EqualTo((true, true)));
        Assert.That((client.Statistics.InFlight, client.Statistics.Waiting), Is.EqualTo((0, 0)));
    }

    [Test]
    public void A_request_object_carries_one_request_at_a_time()
    {
        // To submit one that is under way is a bug, and told as one.
        _leg.Holds = true;
        var request = new PlainRequest { Operation = BlockOperation.Flush, Memory = IoMemory.None };
        request.SetRegions([Region(0, 0)]);
        Assert.That(_client.Submit(request), Is.EqualTo(Errno.None));
        Assert.That(() => _client.Submit(request), Throws.InvalidOperationException);
        _leg.ReleaseAll();
        _loop.RunUntilIdle();
        Assert.That(_client.Submit(request), Is.EqualTo(Errno.None));
        _leg.ReleaseAll();
        _loop.RunUntilIdle();
        Assert.That(request.Notified, Is.EqualTo(2));
    }

    private IoRegion Region(long sector, long count) => new(_leg, new Sectors(sector), new Sectors(count));

    private Task<IoResult> Write(long sector, CancellationToken token) =>
        _client.WriteAsync([Region(sector, 8)], new byte[4096], cancellationToken: token).AsTask();

    /// <summary>Cancels when its block size is asked for, which a client does while it checks a request.</summary>
    private sealed class CancellingDevice(IoLoop loop, CancellationTokenSource cancel)
        : ScriptedDevice(loop, "cancelling", new Sectors(64))
    {
        public override int LogicalBlockBytes
        {
            get
            {
                cancel?.Cancel();
                return 512;
            }
        }
    }

    private sealed class PlainRequest : IoRequest
    {
        public int Notified { get; private set; }

        protected internal override void Notify(in IoOutcome outcome) => Notified++;
    }
}
