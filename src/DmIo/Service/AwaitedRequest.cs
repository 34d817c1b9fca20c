using System.Buffers;
using System.Threading.Tasks.Sources;

namespace DmIo;

/// <summary>
/// A request behind a <see cref="ValueTask{TResult}"/>. Keeps its memory pinned while it is under way, and goes back to
/// its pool when the result has been fetched.
/// </summary>
internal sealed class AwaitedRequest : IoRequest, IValueTaskSource<IoResult>
{
    private ManualResetValueTaskSourceCore<IoResult> _core = new() { RunContinuationsAsynchronously = true };
    private RequestPool<AwaitedRequest>? _home;
    private MemoryHandle _pin;
    private CancellationToken _token;
    private CancellationTokenRegistration _registration;

    // Counts the uses of this object, so that a cancellation that comes too late meets no later use.
    private long _use;
    private long _cancelledUse;

    public ValueTask<IoResult> Task => new(this, _core.Version);

    public void Prepare(RequestPool<AwaitedRequest> home, IoClient client, MemoryHandle pin, CancellationToken token)
    {
        _core.Reset();
        long use = Interlocked.Increment(ref _use);
        _home = home;
        _pin = pin;
        _token = token;
        if (token.CanBeCanceled)
        {
            _registration = token.UnsafeRegister(
                static state => ((Cancellation)state!).Post(), new Cancellation(client, this, use));
        }
    }

    /// <summary>Goes back to its pool without having been issued.</summary>
    public void Refused()
    {
        LetGo();
        _home!.Return(this);
    }

    public IoResult GetResult(short token)
    {
        bool fetched = _core.GetStatus(token) != ValueTaskSourceStatus.Pending;
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            if (fetched)
                _home!.Return(this);
        }
    }

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    internal override bool IsCancelled => _cancelledUse == Volatile.Read(ref _use);

    internal override void NotIssued()
    {
        CancellationToken token = _token;
        LetGo();
        _core.SetException(new OperationCanceledException(token));
    }

    protected internal override void Notify(in IoOutcome outcome)
    {
        LetGo();
        _core.SetResult(IoResult.Of(outcome));
    }

    private void LetGo()
    {
        _registration.Unregister();
        _registration = default;
        _pin.Dispose();
        _pin = default;
        _token = default;
        Memory = default;
    }

    /// <summary>A cancellation on its way to the loop.</summary>
    private sealed class Cancellation(IoClient client, AwaitedRequest request, long use) : LoopWork
    {
        public void Post() => client.Loop.Post(this);

        protected internal override void Run()
        {
            request._cancelledUse = use;
            if (request.IsCancelled)
                client.CancelWaiting(request);
        }
    }
}
