namespace DmIo.Mapper;

/// <summary>
/// Stands for a leg whose device cannot be had: everything fails with ENXIO. A mirror that may start without some of its
/// legs is given these in their place.
/// </summary>
public sealed class MissingDevice(IoLoop loop, string name, string reason) : BlockDevice(loop)
{
    /// <inheritdoc/>
    public override string Name => name;

    /// <summary>Why the device cannot be had.</summary>
    public string Reason => reason;

    /// <summary>Not known; as long as anything that may be asked for.</summary>
    public override Sectors Length => new(long.MaxValue >> Sectors.Shift);

    /// <inheritdoc/>
    public override Sectors WriteZeroesLimit => FileDevice.RangeLimit;

    /// <inheritdoc/>
    public override Sectors DiscardLimit => FileDevice.RangeLimit;

    /// <inheritdoc/>
    public override void Submit(BlockRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Complete(Loop, Errno.ENXIO, request.Start);
    }
}
