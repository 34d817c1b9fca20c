namespace DmIo;

/// <summary>
/// Anything that stores sectors: a file, a disk, memory, a mapped device over others. A device lives on one loop, is
/// used from that loop alone, and completes every request there, exactly once, never inside <see cref="Submit"/>.
/// </summary>
public abstract class BlockDevice : IAsyncDisposable
{
    /// <summary>Creates a device whose home is <paramref name="loop"/>.</summary>
    protected BlockDevice(IoLoop loop)
    {
        ArgumentNullException.ThrowIfNull(loop);
        Loop = loop;
    }

    /// <summary>The loop on which the device is used.</summary>
    public IoLoop Loop { get; }

    /// <summary>How people know the device: a path, or the mapped device's name.</summary>
    public abstract string Name { get; }

    /// <summary>Size of the device.</summary>
    public abstract Sectors Length { get; }

    /// <summary>Smallest unit of a request in bytes: a power of two, at least 512. Requests are multiples of it.</summary>
    public virtual int LogicalBlockBytes => Sectors.SizeBytes;

    /// <summary>
    /// Alignment of memory addresses in bytes that spares the device a copy: 1 when it takes memory as it comes.
    /// </summary>
    public virtual int MemoryAlignmentBytes => 1;

    /// <summary>Whether the device refuses what changes data.</summary>
    public virtual bool IsReadOnly => false;

    /// <summary>The longest discard the device takes in one request; zero when it cannot discard.</summary>
    public virtual Sectors DiscardLimit => Sectors.Zero;

    /// <summary>The longest write-zeroes the device takes in one request; zero when it cannot.</summary>
    public virtual Sectors WriteZeroesLimit => Sectors.Zero;

    /// <summary>
    /// Whether write-zeroes that need not keep space allocated costs less than writing zeroes would, whatever the range.
    /// </summary>
    public virtual bool CanZeroFast => false;

    /// <summary>
    /// Starts an operation. Only on the device's loop. The request completes through
    /// <see cref="BlockRequest.Complete"/> whatever happens; a range outside the device or off the logical block size
    /// fails with <see cref="Errno.EINVAL"/>, nothing done. A device may complete a request whose memory something
    /// beneath still uses; it then holds it (<see cref="BlockRequest.Hold"/>).
    /// </summary>
    public abstract void Submit(BlockRequest request);

    /// <summary>
    /// Tells what is known of a range without reading it: consecutive extents that cover exactly the range. A device
    /// that knows nothing says that all of it is data. Where there are more than <see cref="ExtentBound.Most"/>, the last
    /// one told is all the rest, as data: to know more, ask from there on. Only on the device's loop; the continuation
    /// runs there too.
    /// </summary>
    /// <exception cref="IOException">The device could not tell.</exception>
    public virtual ValueTask<IReadOnlyList<BlockExtent>> ReadExtentsAsync(
        Sectors start, Sectors count, CancellationToken cancellationToken = default) =>
        new([new BlockExtent(start, count, ExtentKind.Data)]);

    /// <summary>
    /// Takes the error, if there is one that nobody has seen, of making durable what was written before the device was
    /// opened. Whoever does not take it meets it in the first flush.
    /// </summary>
    public virtual Errno TakeOldError() => Errno.None;

    /// <summary>
    /// Makes the device at least that long, if it is of a kind that can be, and takes note if it has become longer
    /// meanwhile. Only on the device's loop.
    /// </summary>
    /// <returns>ENOSPC when it stays too short, or why it could not be made longer.</returns>
    public virtual Errno Extend(Sectors length) => length <= Length ? Errno.None : Errno.ENOSPC;

    /// <summary>Lets go of what the device holds. Requests under way must have completed.</summary>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>
    /// The checks that every device makes before it starts: range inside the device, multiples of the logical block
    /// size, a buffer of the right length, no change to a read-only device.
    /// </summary>
    /// <returns><see cref="Errno.None"/>, EINVAL or EPERM.</returns>
    protected Errno Validate(BlockRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Operation == BlockOperation.Flush)
            return Errno.None;
        long unit = (LogicalBlockBytes >> Sectors.Shift) - 1;
        if (request.Start.Count < 0 || request.Count.Count <= 0 || request.Start.Count > Length.Count - request.Count.Count)
            return Errno.EINVAL;
        if (((request.Start.Count | request.Count.Count) & unit) != 0)
            return Errno.EINVAL;
        if (request.Operation <= BlockOperation.Write && request.Data.LengthBytes != request.Count.Bytes)
            return Errno.EINVAL;
        return IsReadOnly && request.ChangesData ? Errno.EPERM : Errno.None;
    }
}
