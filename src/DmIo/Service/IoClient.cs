namespace DmIo;

/// <summary>
/// A user of the dm-io service with a pool of its own, so that stacked users cannot starve each other (dm-semantics
/// A.5). Each request holds one context of the pool; a request that finds none waits for one, first come first served,
/// and never fails for want of it. What waits for a context holds none, so it always waits for I/O that is running.
/// </summary>
public sealed partial class IoClient : IAsyncDisposable
{
    /// <summary>The pool's size when nothing else is asked for, as the kernel's <c>reserved_bio_based_ios</c>.</summary>
    public const int DefaultContexts = 16;

    private readonly Stack<IoContext> _freeContexts = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private WorkList _waiting;
    private int _target;
    private int _inFlight;
    private int _waitingCount;
    private long _reserveHits;
    private long _waits;
    private int _onTheWay;
    private int _closed;

    /// <summary>Creates a client on <paramref name="loop"/> whose pool holds <paramref name="contexts"/> requests.</summary>
    public IoClient(IoLoop loop, int contexts = DefaultContexts)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ArgumentOutOfRangeException.ThrowIfLessThan(contexts, 1);
        Loop = loop;
        _target = contexts;
        FitPool();
    }

    /// <summary>The loop of the client and of every device that it is used with.</summary>
    public IoLoop Loop { get; }

    /// <summary>How many requests may be under way at once.</summary>
    public int Capacity => Volatile.Read(ref _target);

    /// <summary>How many requests are under way.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>What the pool has done so far; from any thread, then each number from about the same instant.</summary>
    public IoPoolStatistics Statistics => new(
        Capacity, InFlight, Volatile.Read(ref _waitingCount), Volatile.Read(ref _reserveHits), Volatile.Read(ref _waits),
        AbandonedPieces);

    /// <summary>
    /// Starts a request; from any thread.
    /// </summary>
    /// <returns>
    /// <see cref="Errno.None"/> once accepted: the outcome goes to <see cref="IoRequest.Notify"/>, exactly once. Otherwise
    /// nothing was issued and Notify is not called: EIO for a read of more than one region; EINVAL for no region or more
    /// than 64, an unknown operation, unknown memory, segments that are not whole sectors or logical blocks, memory that
    /// is too short, or devices of another loop; ESHUTDOWN when the client has been disposed.
    /// </returns>
    /// <exception cref="InvalidOperationException">The request is under way already, or has regions yet to land.</exception>
    public Errno Submit(IoRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        Errno refused = IoRequestRules.Check(request, Loop);
        if (refused != Errno.None)
            return refused;
        if (request.Client is not null || request.PinnedBits != 0)
            throw new InvalidOperationException("The request is under way; a request object carries one at a time.");
        if (!Loop.IsCurrent)
            return SubmitFromElsewhere(request);
        if (_closed != 0)
            return Errno.ESHUTDOWN;
        request.Client = this;
        Admit(request);
        return Errno.None;
    }

    /// <summary>
    /// Sets how many requests may be under way at once; from any thread, and on the loop at once. What is under way
    /// beyond a smaller pool runs to its end.
    /// </summary>
    public void Resize(int contexts)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(contexts, 1);
        Volatile.Write(ref _target, contexts);
        if (Loop.IsCurrent)
            FitPool();
        else
            Loop.Post(new Errand(this, static client => client.FitPool()));
    }

    /// <summary>
    /// Refuses new requests from now on and waits for those that were accepted, and for pieces that were given up unless
    /// <see cref="WaitsForAbandoned"/> says otherwise. Must not be waited for, blocking, on the client's loop.
    /// </summary>
    public ValueTask DisposeAsync()
    {
        // A full fence: either a submission elsewhere sees the client closed, or the check sees it on the way.
        Interlocked.Exchange(ref _closed, 1);
        if (Loop.IsCurrent)
            CheckDrained();
        else
            PostDrainCheck();
        return new ValueTask(_drained.Task);
    }

    /// <summary>A request from another thread has reached the loop.</summary>
    internal void Arrived(IoRequest request)
    {
        Interlocked.Decrement(ref _onTheWay);
        if (request.IsCancelled)
            TakeBack(request);
        else
            Admit(request);
    }

    /// <summary>Takes a request back if it has not been issued.</summary>
    internal void CancelWaiting(IoRequest request)
    {
        if (!_waiting.Remove(request))
            return;
        _waitingCount--;
        TakeBack(request);
    }

    internal void Finished(IoContext context)
    {
        IoRequest request = context.Request!;
        IoOutcome outcome = context.TakeOutcome();
        _inFlight--;
        if (!context.MustLand)
            Landed(context);
        request.Client = null;
        StartWaiting();
        request.Notify(outcome);
        CheckDrained();
    }

    private Errno SubmitFromElsewhere(IoRequest request)
    {
        Interlocked.Increment(ref _onTheWay);
        if (Volatile.Read(ref _closed) != 0)
        {
            Interlocked.Decrement(ref _onTheWay);
            PostDrainCheck();
            return Errno.ESHUTDOWN;
        }
        request.Client = this;
        Loop.Post(request);
        return Errno.None;
    }

    private void Admit(IoRequest request)
    {
        if (_inFlight < _target && _waiting.IsEmpty)
        {
            _reserveHits++;
            Start(request);
            return;
        }
        _waits++;
        _waitingCount++;
        _waiting.Append(request);
    }

    private void TakeBack(IoRequest request)
    {
        request.Client = null;
        request.NotIssued();
        CheckDrained();
    }

    private void FitPool()
    {
        while (_freeContexts.Count > 0 && _freeContexts.Count + _inFlight > _target)
            _freeContexts.Pop();
        while (_freeContexts.Count + _inFlight < _target)
            _freeContexts.Push(new IoContext(this));
        StartWaiting();
    }

    private void StartWaiting()
    {
        while (_inFlight < _target && _waiting.TakeFirst() is { } next)
        {
            _waitingCount--;
            Start((IoRequest)next);
        }
    }

    internal void CheckDrained()
    {
        if (_closed == 0 || _inFlight != 0 || _waitingCount != 0 || Volatile.Read(ref _onTheWay) != 0)
            return;
        if (_abandonedPieces == 0 || !WaitsForAbandoned)
            _drained.TrySetResult();
    }

    private void PostDrainCheck() => Loop.Post(new Errand(this, static client => client.CheckDrained()));

    /// <summary>Something rare to do on the loop.</summary>
    private sealed class Errand(IoClient client, Action<IoClient> action) : LoopWork
    {
        protected internal override void Run() => action(client);
    }
}
