namespace DmIo.Mapper;

/// <summary>
/// A run of another device that answers later. Reads, what changes data, and flushes each wait in a queue of their own.
/// </summary>
internal sealed class DelayTarget : LegTarget
{
    private readonly DelaySpec _spec;
    private readonly DelayQueue _reads;
    private readonly DelayQueue _writes;
    private readonly DelayQueue _flushes;
    private bool _delays = true;
    private int _passed;
    private TaskCompletionSource? _allReturned;

    public DelayTarget(MappedDevice host, TableLine line, TargetLeg[] legs)
        : base(host, line, legs)
    {
        _spec = (DelaySpec)line.Target;
        DelayPlace writes = _spec.Writes ?? _spec.Reads;
        _reads = QueueOf(_spec.Reads);
        _writes = QueueOf(writes);
        _flushes = QueueOf(_spec.Flushes ?? writes);
    }

    public override Sectors DiscardLimit => _writes.Leg.Device.DiscardLimit;

    public override string TableWords => string.Join(
        ' ', _spec.Places.Select(place => $"{LegOf(place).Shown} {place.Leg.Offset} {place.DelayMs}"));

    public override string StatusWords => $"{_reads.Count} {_writes.Count} {_flushes.Count}";

    public override void Map(BlockRequest request)
    {
        DelayQueue queue = request.Operation switch
        {
            BlockOperation.Read => _reads,
            BlockOperation.Flush => _flushes,
            _ => _writes,
        };
        if (_delays)
            queue.Add(request);
        else
            Release(queue, request);
    }

    public override async ValueTask<IReadOnlyList<BlockExtent>> ReadExtentsAsync(
        Sectors start, Sectors count, CancellationToken cancellationToken)
    {
        TargetLeg leg = _reads.Leg;
        return Shift(await leg.Device.ReadExtentsAsync(start + leg.Offset, count, cancellationToken), leg.Offset);
    }

    // As in the kernel: nobody waits hours for a suspension.
    public override ValueTask PresuspendAsync()
    {
        _delays = false;
        ReleaseAll();
        return ValueTask.CompletedTask;
    }

    public override void Resume() => _delays = true;

    public override async ValueTask StopAsync()
    {
        await ReleaseAllAsync();
        await FlushAsync(_flushes.Leg);
    }

    public override async ValueTask DisposeAsync()
    {
        await ReleaseAllAsync();
        _reads.Dispose();
        _writes.Dispose();
        _flushes.Dispose();
        await base.DisposeAsync();
    }

    protected override void Returned(BlockRequest request, TargetLeg leg, Errno error, object? context)
    {
        if (--_passed == 0)
            _allReturned?.TrySetResult();
    }

    private void ReleaseAll()
    {
        _reads.ReleaseAll();
        _writes.ReleaseAll();
        _flushes.ReleaseAll();
    }

    private async ValueTask ReleaseAllAsync()
    {
        ReleaseAll();
        if (_passed == 0)
            return;
        _allReturned = new TaskCompletionSource();
        await _allReturned.Task;
    }

    private DelayQueue QueueOf(DelayPlace place) =>
        new(LegOf(place), TimeSpan.FromMilliseconds(place.DelayMs), Loop.Time, Release);

    private TargetLeg LegOf(DelayPlace place) =>
        Legs.First(leg => leg.Argument == place.Leg.Device && leg.Offset == place.Leg.Offset);

    private void Release(DelayQueue queue, BlockRequest request)
    {
        _passed++;
        Pass(request, queue.Leg);
    }
}
