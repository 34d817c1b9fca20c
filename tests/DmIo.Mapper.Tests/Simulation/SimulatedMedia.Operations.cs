namespace DmIo.Mapper.Tests;

// What is under way on the disk.
internal sealed partial class SimulatedMedia
{
    private readonly List<DiskOperation> _underWay = [];
    private readonly List<DiskOperation> _vanished = [];
    private readonly List<LateLanding> _late = [];
    private long _serial;

    /// <summary>Operations that were submitted in this life and have not completed, without those that never will.</summary>
    public int UnderWay => _underWay.Count;

    /// <summary>Operations of this life that never complete (<see cref="SimulatedFaults.Vanishings"/>).</summary>
    public int Vanished => _vanished.Count;

    /// <summary>Changes that failed and will take effect all the same.</summary>
    public int LandingLate => _late.Count;

    /// <summary>Lives that ended; an opening of an older one is dead and completes nothing.</summary>
    internal int Life { get; private set; }

    internal Random Random { get; }

    /// <summary>Whether something of a probability happens.</summary>
    internal bool Draw(double rate) => rate > 0 && Random.NextDouble() < rate;

    /// <summary>How long the next operation takes: exponentially distributed, now and then far longer.</summary>
    internal TimeSpan DrawLatency(out bool isSlow)
    {
        isSlow = Draw(Faults.SlowOperations);
        if (isSlow)
        {
            Coverage.Count(DiskEvent.Slow);
            return Faults.SlowLatency * Random.NextDouble();
        }
        return LatencyMean == TimeSpan.Zero ? TimeSpan.Zero : LatencyMean * -Math.Log(1 - Random.NextDouble());
    }

    internal long Began(DiskOperation operation)
    {
        operation.Place = _underWay.Count;
        _underWay.Add(operation);
        return ++_serial;
    }

    internal void Ended(DiskOperation operation)
    {
        DiskOperation last = _underWay[^1];
        _underWay[operation.Place] = last;
        last.Place = operation.Place;
        _underWay.RemoveAt(_underWay.Count - 1);
        foreach (DiskOperation other in _underWay)
        {
            if (other.Serial < operation.Serial)
            {
                Coverage.Count(DiskEvent.OutOfOrder);
                break;
            }
        }
    }

    internal void Vanish(DiskOperation operation)
    {
        Ended(operation);
        _vanished.Add(operation);
    }

    internal void LandLater(LateLanding landing) => _late.Add(landing);

    internal bool Landed(LateLanding landing) => _late.Remove(landing);

    private void EndLife(DiskEvent how)
    {
        Story?.Add($"{Name}: {how} with {_underWay.Count} under way, {Contents.Cached} blocks cached");
        Coverage.Count(how);
        LandLateOnes();
        foreach (DiskOperation operation in Shuffled(_underWay))
            operation.Cut();
        _underWay.Clear();
        _vanished.Clear();
        Life++;
    }

    private void LandLateOnes()
    {
        foreach (LateLanding landing in _late)
            landing.LandPartly();
        _late.Clear();
    }

    private DiskOperation[] Shuffled(List<DiskOperation> operations)
    {
        DiskOperation[] shuffled = [.. operations];
        Random.Shuffle(shuffled);
        return shuffled;
    }
}
