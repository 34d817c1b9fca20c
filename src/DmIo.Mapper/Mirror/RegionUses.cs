using System.Diagnostics.CodeAnalysis;

namespace DmIo.Mapper;

/// <summary>
/// The regions that are not settled: changes are under way there, or have ended and were not yet made durable on every
/// leg of the set. Each ended change has a stamp, and each leg the stamp up to which it was flushed. Idle regions stand
/// in the order in which they became idle. Objects are pooled.
/// </summary>
internal sealed class RegionUses(TimeProvider time)
{
    private readonly Dictionary<long, RegionUse> _uses = [];
    private RegionUse? _firstIdle;
    private RegionUse? _lastIdle;
    private RegionUse? _free;

    /// <summary>Stamp of the last change that ended anywhere.</summary>
    public long Stamp { get; private set; }

    public int Count => _uses.Count;

    /// <summary>The region that has been idle for longest.</summary>
    public RegionUse? FirstIdle => _firstIdle;

    /// <summary>All that are not settled.</summary>
    public Dictionary<long, RegionUse>.ValueCollection All => _uses.Values;

    public bool TryFind(long region, [NotNullWhen(true)] out RegionUse? use) => _uses.TryGetValue(region, out use);

    /// <summary>A change begins.</summary>
    /// <param name="region">Where.</param>
    /// <param name="isNew">Whether the region was settled before.</param>
    public RegionUse Enter(long region, out bool isNew)
    {
        isNew = !_uses.TryGetValue(region, out RegionUse? use);
        if (use is null)
        {
            use = _free ?? new RegionUse();
            _free = use.Next;
            use.Next = null;
            use.Region = region;
            use.Pending = 0;
            use.Stamp = use.Ticket = 0;
            use.Noted = 0;
            _uses.Add(region, use);
        }
        else if (use.IsIdle)
        {
            Unlink(use);
        }
        use.Pending++;
        return use;
    }

    /// <summary>A change has ended; several that end together share a stamp.</summary>
    public void Leave(RegionUse use, long stamp)
    {
        use.Stamp = stamp;
        if (--use.Pending > 0)
            return;
        use.IdleSince = time.GetTimestamp();
        use.IsIdle = true;
        use.Previous = _lastIdle;
        if (_lastIdle is null)
            _firstIdle = use;
        else
            _lastIdle.Next = use;
        _lastIdle = use;
    }

    public RegionUse Find(long region) => _uses[region];

    /// <summary>A new stamp for changes that end now.</summary>
    public long NextStamp() => ++Stamp;

    /// <summary>Forgets an idle region: it is settled.</summary>
    public void Settle(RegionUse use)
    {
        Unlink(use);
        _uses.Remove(use.Region);
        use.Next = _free;
        _free = use;
    }

    private void Unlink(RegionUse use)
    {
        if (use.Previous is null)
            _firstIdle = use.Next;
        else
            use.Previous.Next = use.Next;
        if (use.Next is null)
            _lastIdle = use.Previous;
        else
            use.Next.Previous = use.Previous;
        use.Previous = use.Next = null;
        use.IsIdle = false;
    }
}
