namespace DmIo.Mapper;

/// <summary>The extents of one stripe, taken chunk by chunk.</summary>
internal sealed class StripeExtents(IReadOnlyList<BlockExtent> extents)
{
    private int _index;
    private long _done;

    /// <summary>Moves the next sectors of the stripe to where they lie on the target, joined to what is there alike.</summary>
    /// <returns>The sector behind them.</returns>
    public long MoveTo(List<BlockExtent> target, long at, long count)
    {
        while (count > 0)
        {
            BlockExtent extent = extents[_index];
            long take = Math.Min(count, extent.Count.Count - _done);
            if (target.Count > 0 && target[^1].Kind == extent.Kind)
                target[^1] = target[^1] with { Count = target[^1].Count + new Sectors(take) };
            else
                target.Add(new BlockExtent(new Sectors(at), new Sectors(take), extent.Kind));
            at += take;
            count -= take;
            _done += take;
            if (_done == extent.Count.Count)
            {
                _index++;
                _done = 0;
            }
        }
        return at;
    }
}
