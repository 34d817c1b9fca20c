namespace DmIo.Mapper;

/// <summary>
/// The latest events of the devices that share it, in order; the oldest are forgotten. From any thread.
/// </summary>
/// <param name="capacity">How many are kept.</param>
public sealed class EventRing(int capacity = EventRing.DefaultCapacity)
{
    /// <summary>
    /// Arbitrary: some hundred bytes each, and more than the failures of a bad day, of which a leg tells each kind once.
    /// </summary>
    public const int DefaultCapacity = 4096;

    private readonly Lock _lock = new();
    private readonly Queue<VolumeEvent> _events = new();
    private TaskCompletionSource _added = NewSource();
    private long _last;

    /// <summary>Raised after each event on the loop of its device; whoever listens must not wait.</summary>
    public event Action<VolumeEvent>? Added;

    /// <summary>How many are kept.</summary>
    public int Capacity => capacity;

    /// <summary>The sequence number of the newest event; 0 when there has been none.</summary>
    public long Last
    {
        get
        {
            lock (_lock)
                return _last;
        }
    }

    /// <summary>The events with a higher sequence number than that, as far as they are kept, oldest first.</summary>
    public IReadOnlyList<VolumeEvent> Since(long sequence)
    {
        lock (_lock)
            return [.. _events.Where(e => e.Sequence > sequence)];
    }

    /// <summary>Waits until there is an event with a higher sequence number than that.</summary>
    public async Task WaitAsync(long sequence, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task added;
            lock (_lock)
            {
                if (_last > sequence)
                    return;
                added = _added.Task;
            }
            await added.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Adds an event, which is made with its sequence number.</summary>
    internal void Add(Func<long, VolumeEvent> make)
    {
        VolumeEvent added;
        TaskCompletionSource waiting;
        lock (_lock)
        {
            added = make(_last + 1);
            _last = added.Sequence;
            if (_events.Count == capacity)
                _events.Dequeue();
            _events.Enqueue(added);
            waiting = _added;
            _added = NewSource();
        }
        waiting.SetResult();
        Added?.Invoke(added);
    }

    // Those who wait go on elsewhere than on the loop that tells them.
    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
