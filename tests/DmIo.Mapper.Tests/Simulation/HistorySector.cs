using static DmIo.Mapper.Tests.HistoryWrite;

namespace DmIo.Mapper.Tests;

/// <summary>
/// What a sector may hold: the changes of it that the newest durable one does not supersede, in the order of submission.
/// </summary>
internal sealed class HistorySector(HistoryOrder order, HistorySettling settling)
{
    private readonly List<HistoryWrite> _writes = [Initial];
    private HistoryWrite? _settledOn;
    private long _settledAt = NotYet;
    private long _settledFor;
    private bool _settledForGood;

    public void Add(HistoryWrite write) => _writes.Add(write);

    /// <summary>
    /// Forgets what no read may return any more: what a durable change supersedes that was acknowledged before
    /// <paramref name="oldestRead"/>, the submission of the oldest read under way.
    /// </summary>
    public void Prune(long oldestRead)
    {
        if (_writes.Count == 1)
            return;
        HistoryWrite? floor = null;
        foreach (HistoryWrite write in _writes)
        {
            if (write.DurableAt != NotYet && write.AcknowledgedAt < oldestRead)
                floor = write;
        }
        if (floor is not null)
            _writes.RemoveAll(write => Precedes(write, floor));
    }

    /// <summary>
    /// A life ended. What a read settled after a power cut was durable then and stays, by forgetting everything else;
    /// what one settled after a kill may have been cached, so a power cut unsettles it.
    /// </summary>
    public void EndLife(long now, bool powerCut)
    {
        Prune(now);
        if (_settledOn is not null && _settledForGood)
            _writes.RemoveAll(write => IsUnsettled(write, now));
        if (_settledForGood || powerCut)
            (_settledOn, _settledAt, _settledForGood) = (null, NotYet, false);
    }

    /// <summary>Whether a read that was submitted at <paramref name="submittedAt"/> may return a value.</summary>
    public bool Allows(long stamp, long submittedAt)
    {
        HistoryWrite? floor = Floor(submittedAt);
        foreach (HistoryWrite write in _writes)
        {
            if (write.Stamp == stamp && IsAllowed(write, floor, submittedAt))
                return true;
        }
        return false;
    }

    /// <summary>A read after the life that ended at <paramref name="lifeEnd"/> has returned a value.</summary>
    public void Settle(long stamp, long submittedAt, long now, long lifeEnd, bool powerCut)
    {
        if (settling == HistorySettling.Never || _settledOn is not null)
            return;
        // Of several with the same value it is the oldest, and none if one is of the new life: no more is claimed than is
        // known.
        HistoryWrite? floor = Floor(submittedAt);
        HistoryWrite? oldest = null;
        foreach (HistoryWrite write in _writes)
        {
            if (write.Stamp != stamp || !IsAllowed(write, floor, submittedAt))
                continue;
            if (write.EndedAt > lifeEnd)
                return;
            oldest ??= write;
        }
        if (oldest is not null)
            (_settledOn, _settledAt, _settledFor, _settledForGood) = (oldest, now, lifeEnd, powerCut);
    }

    /// <summary>What a read may return and why nothing older, for a message.</summary>
    public string Explain(long submittedAt)
    {
        HistoryWrite? floor = Floor(submittedAt);
        string allowed = string.Join("\n    ", _writes.Where(write => IsAllowed(write, floor, submittedAt)));
        string why = floor is null ? "" : $"\n  nothing older than {floor}";
        if (_settledAt < submittedAt)
            why += $"\n  a read that completed at {_settledAt} settled on {_settledOn}";
        return $"allowed:\n    {allowed}{why}";
    }

    private HistoryWrite? Floor(long submittedAt)
    {
        for (int i = _writes.Count - 1; i >= 0; i--)
        {
            if (_writes[i].AcknowledgedAt < submittedAt)
                return _writes[i];
        }
        return null;
    }

    private bool IsAllowed(HistoryWrite write, HistoryWrite? floor, long submittedAt) =>
        (floor is null || !Precedes(write, floor)) && !IsUnsettled(write, submittedAt);

    // Whether a read that was submitted then may not return the change because an earlier one settled on another.
    private bool IsUnsettled(HistoryWrite write, long submittedAt)
    {
        if (_settledAt >= submittedAt)
            return false;
        if (settling == HistorySettling.Exactly && write.EndedAt <= _settledFor)
            return write.Stamp != _settledOn!.Stamp;
        return Precedes(write, _settledOn!);
    }

    private bool Precedes(HistoryWrite write, HistoryWrite later) =>
        (order == HistoryOrder.Submission ? write.SubmittedAt : write.EndedAt) < later.SubmittedAt;
}
