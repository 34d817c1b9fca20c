namespace DmIo.Mapper;

/// <summary>Requests of one kind that wait all equally long, so that they leave in the order in which they came.</summary>
internal sealed class DelayQueue : IDisposable
{
    private readonly TimeProvider _time;
    private readonly TimeSpan _delay;
    private readonly Action<DelayQueue, BlockRequest> _release;
    private readonly ITimer _timer;
    private readonly Queue<(BlockRequest Request, long CameAt)> _waiting = new();

    /// <param name="leg">Where the requests go.</param>
    /// <param name="delay">How long each waits.</param>
    /// <param name="time">The loop's clock.</param>
    /// <param name="release">Called on the loop when a request has waited.</param>
    public DelayQueue(TargetLeg leg, TimeSpan delay, TimeProvider time, Action<DelayQueue, BlockRequest> release)
    {
        Leg = leg;
        _delay = delay;
        _time = time;
        _release = release;
        _timer = time.CreateTimer(_ => ReleaseDue(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public TargetLeg Leg { get; }

    /// <summary>How many wait. From any thread.</summary>
    public int Count => _waiting.Count;

    public void Add(BlockRequest request)
    {
        if (_delay == TimeSpan.Zero)
        {
            _release(this, request);
            return;
        }
        _waiting.Enqueue((request, _time.GetTimestamp()));
        if (_waiting.Count == 1)
            _timer.Change(_delay, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Nobody waits any longer.</summary>
    public void ReleaseAll()
    {
        while (_waiting.TryDequeue(out (BlockRequest Request, long CameAt) first))
            _release(this, first.Request);
    }

    public void Dispose() => _timer.Dispose();

    private void ReleaseDue()
    {
        while (_waiting.TryPeek(out (BlockRequest Request, long CameAt) first))
        {
            TimeSpan left = _delay - _time.GetElapsedTime(first.CameAt);
            if (left > TimeSpan.Zero)
            {
                _timer.Change(left, Timeout.InfiniteTimeSpan);
                return;
            }
            _waiting.Dequeue();
            _release(this, first.Request);
        }
    }
}
