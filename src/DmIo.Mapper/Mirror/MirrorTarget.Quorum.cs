using System.Numerics;

namespace DmIo.Mapper;

// Writes that are answered before every leg of the set has them, and writes that are held although they could be answered.
internal sealed partial class MirrorTarget
{
    // What laggards may keep in memory at once; beyond it writes wait for every leg. Arbitrary.
    private const long MaxLaggingBytes = 16L << 20;

    private readonly List<MirrorWrite> _lagging = [];
    private readonly Queue<MirrorWrite> _heldBack = new();
    private readonly ITimer _holdTimer;
    private long _laggingBytes;
    private long _lastAnsweredEarly;

    /// <summary>The number of the last write that was answered early.</summary>
    internal long LastAnsweredEarly => _lastAnsweredEarly;

    /// <summary>Whether writes that a leg failed are held.</summary>
    internal bool HoldsWritesBack => _heldBack.Count > 0;

    /// <summary>Whether a write that was answered early, up to a number, is still under way.</summary>
    internal bool AnyLagsUpTo(long number)
    {
        foreach (MirrorWrite write in _lagging)
        {
            if (write.EarlyNumber <= number)
                return true;
        }
        return false;
    }

    /// <summary>
    /// Another leg has taken a write. A plain one is answered when as many as the quorum have it: the log says that the
    /// regions are dirty, the write keeps its turn, reads go to those that have it, and flushes wait for it.
    /// </summary>
    internal void Took(MirrorWrite write, int region)
    {
        write.HaveIt |= LegOf(write.Asked, region).Bit;
        BlockRequest request = write.Original!;
        if (_options.Mirror.WriteQuorum == 0 || write.EarlyNumber != 0 || write.UnfinishedBits == 0
            || (request.Flags & BlockFlags.Fua) != 0 || _laggingBytes + request.Count.Bytes > MaxLaggingBytes)
        {
            return;
        }
        ulong holders = write.HaveIt & _legs.HoldersOf(write.FirstRegion, write.LastRegion) & ~_legs.Forgetful;
        if (BitOperations.PopCount(holders) < _options.Mirror.WriteQuorum || request.KeepTurn() is not { } turn)
            return;
        write.Turn = turn;
        write.EarlyNumber = ++_lastAnsweredEarly;
        _lagging.Add(write);
        _laggingBytes += request.Count.Bytes;
        request.Hold();
        request.Complete(Loop);
    }

    // Legs that are behind with a write to a range of regions that was answered.
    private ulong Behind(long first, long last)
    {
        ulong behind = 0;
        foreach (MirrorWrite write in _lagging)
        {
            if (write.FirstRegion <= last && first <= write.LastRegion)
                behind |= _legs.All & ~write.HaveIt;
        }
        return behind;
    }

    // Whether without a leg a write that was answered early could not be read: who else has it lacks something else there.
    private bool AloneHasWrites(Leg leg)
    {
        foreach (MirrorWrite write in _lagging)
        {
            ulong others = _legs.NotLacking(write.FirstRegion, write.LastRegion) & _legs.Set & ~leg.Bit;
            if ((write.HaveIt & others) == 0)
                return true;
        }
        return false;
    }

    // Of some legs those that have every write to a range that was answered. When none has that has not just failed
    // something, whoever holds the range up to where the next such write begins or ends: writes have turns, so there is one
    // at most.
    private ulong UpToDate(ulong candidates, ulong tried, Sectors start, ref Sectors end)
    {
        ulong all = UpToDate(candidates, start, end);
        if ((all & ~_suspects) != 0)
            return all;
        foreach (MirrorWrite write in _lagging)
        {
            BlockRequest request = write.Original!;
            if (request.Start > start && request.Start < end)
                end = request.Start;
            if (request.End > start && request.End < end)
                end = request.End;
        }
        long first = _legs.RegionOf(start);
        long last = _legs.LastOf(start, end - start);
        ulong holders = UpToDate(_legs.NotLacking(first, last) & ~tried, start, end);
        if ((holders & ~_suspects) != 0)
            holders &= ~_suspects;
        return _legs.MayDiffer.ContainsAny(first, last) ? holders & (0 - holders) : holders;
    }

    private ulong UpToDate(ulong candidates, Sectors start, Sectors end)
    {
        foreach (MirrorWrite write in _lagging)
        {
            if (write.Original!.Start < end && start < write.Original.End)
                candidates &= write.HaveIt;
        }
        return candidates;
    }

    // A write that was answered early has reached all legs, or those that it has not are recorded.
    private void EndLagging(MirrorWrite write)
    {
        BlockRequest request = write.Original!;
        _lagging.Remove(write);
        _laggingBytes -= request.Count.Bytes;
        write.EarlyNumber = 0;
        write.Turn!.Finish();
        write.Turn = null;
        write.Original = null;
        if (write.PinnedBits == 0)
        {
            Recycle(write);
            request.Unhold();
        }
        else
        {
            write.Held = request;
        }
        Ended();
        _flusher.LaggardEnded();
    }

    // As the kernel's handle_errors holds what a leg has failed: until the leg answers again, but no longer than is said.
    private bool HoldsBack(MirrorWrite write)
    {
        if (!write.HasFailed || _isEnding || _options.Mirror.HoldFailedWrites == TimeSpan.Zero
            || write.EarlyNumber != 0)
        {
            return false;
        }
        if (_heldBack.Count == 0)
            _holdTimer.Change(_options.Mirror.HoldFailedWrites, Timeout.InfiniteTimeSpan);
        _heldBack.Enqueue(write);
        return true;
    }

    private void ReleaseHeldBack()
    {
        while (_heldBack.TryDequeue(out MirrorWrite? write))
        {
            write.HasFailed = false;
            if (!HasFault(EngineFaults.ForgetsHeldWrites))
                End(write, Errno.None);
        }
    }
}
