namespace DmIo;

/// <content>How a request becomes pieces: all of them at once, in no order.</content>
public sealed partial class IoClient
{
    /// <summary>The longest piece that a region is cut into: 256 pages of 4 KiB, as the kernel cuts it.</summary>
    public static readonly Sectors MaxPiece = new(2048);

    // The most segments in a piece: the kernel's limit, and far below the 1024 that one vectored system call takes.
    private const int MaxPieceSegments = 256;

    // Idle pieces that are kept for each context: a mirror of a few legs, or a request of a few MiB.
    private const int PiecesPerContext = 4;

    private readonly Stack<IoPiece> _freePieces = new();

    internal void Return(IoPiece piece)
    {
        piece.Context = null;
        piece.IsDetached = false;
        piece.Data = default;
        if (_freePieces.Count < _target * PiecesPerContext)
            _freePieces.Push(piece);
    }

    private void Start(IoRequest request)
    {
        _inFlight++;
        if (!_freeContexts.TryPop(out IoContext? context))
            context = new IoContext(this);
        context.Begin(request);
        ReadOnlySpan<IoRegion> regions = request.Regions;
        for (int i = 0; i < regions.Length; i++)
            StartRegion(context, request, i, regions[i]);
        context.Dispatched();
    }

    private void StartRegion(IoContext context, IoRequest request, int index, in IoRegion region)
    {
        bool isFlush = request.Operation == BlockOperation.Flush;
        bool isEmpty = isFlush || region.Count == Sectors.Zero;
        if (isEmpty && !isFlush && (request.Flags & BlockFlags.Preflush) == 0)
            return;
        Sectors limit = LimitOf(request.Operation, region.Device);
        if (limit == Sectors.Zero)
        {
            context.Fail(index, request.Operation, region.Sector, Errno.EOPNOTSUPP);
            return;
        }
        if (isEmpty)
            StartPiece(context, index, region.Device, BlockOperation.Flush, BlockFlags.None, default, default, default);
        else if (request.Operation is BlockOperation.Read or BlockOperation.Write)
            StartWithPayload(context, request, index, region);
        else
            StartWithoutPayload(context, request, index, region, limit);
    }

    // Read once per region, so that a limit that changes meanwhile cannot break the cutting.
    private static Sectors LimitOf(BlockOperation operation, BlockDevice device) => operation switch
    {
        BlockOperation.Discard => device.DiscardLimit,
        BlockOperation.WriteZeroes => device.WriteZeroesLimit,
        _ => MaxPiece,
    };

    private void StartWithPayload(IoContext context, IoRequest request, int index, in IoRegion region)
    {
        // The cursor starts at the buffer's beginning for every region: replication, never scatter.
        IoVector rest = context.Data.Slice(0, region.Count.Bytes);
        Sectors start = region.Sector;
        while (rest.LengthBytes > 0)
        {
            IoVector data = FirstSegments(rest.Slice(0, Math.Min(rest.LengthBytes, MaxPiece.Bytes)));
            rest = rest.Slice(data.LengthBytes, rest.LengthBytes - data.LengthBytes);
            Sectors length = Sectors.FromBytes(data.LengthBytes);
            StartPiece(context, index, region.Device, request.Operation, request.Flags, start, length, data);
            start += length;
        }
    }

    private void StartWithoutPayload(
        IoContext context, IoRequest request, int index, in IoRegion region, Sectors limit)
    {
        // No buffer bounds these, so a count beyond any device would be cut into pieces for ever.
        if (region.Count > region.Device.Length)
        {
            Sectors outside = Sectors.Max(region.Sector, region.Device.Length);
            context.Fail(index, request.Operation, outside, Errno.EINVAL);
            return;
        }
        for (Sectors done = Sectors.Zero; done < region.Count; done += limit)
        {
            Sectors length = Sectors.Min(region.Count - done, limit);
            StartPiece(
                context, index, region.Device, request.Operation, request.Flags, region.Sector + done, length, default);
        }
    }

    private void StartPiece(
        IoContext context, int region, BlockDevice device, BlockOperation operation, BlockFlags flags, Sectors start,
        Sectors count, IoVector data)
    {
        if (!_freePieces.TryPop(out IoPiece? piece))
            piece = new IoPiece();
        piece.Context = context;
        piece.Region = region;
        piece.Operation = operation;
        piece.Flags = flags;
        piece.Start = start;
        piece.Count = count;
        piece.Data = data;
        context.PieceStarted(piece);
        device.Submit(piece);
    }

    private static IoVector FirstSegments(IoVector data)
    {
        int segments = 0;
        long length = 0;
        foreach (IoSegment segment in data)
        {
            if (segments++ == MaxPieceSegments)
                return data.Slice(0, length);
            length += segment.LengthBytes;
        }
        return data;
    }
}
