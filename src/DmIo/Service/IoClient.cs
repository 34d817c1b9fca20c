namespace DmIo;

/// <summary>
/// A user of the dm-io service with a pool of its own, so that stacked users cannot starve each other (dm-semantics
/// A.5). Each request holds one context of the pool; a request that finds none waits for one, first come first served,
/// and never fails for want of it.
/// </summary>
public sealed partial class IoClient
{
    /// <summary>The pool's size when nothing else is asked for, as the kernel's <c>reserved_bio_based_ios</c>.</summary>
    public const int DefaultContexts = 16;

    /// <summary>The longest piece that a region is cut into: 256 pages of 4 KiB, as the kernel cuts it.</summary>
    public static readonly Sectors MaxPiece = new(2048);

    // The most segments in a piece: the kernel's limit, and far below the 1024 that one vectored system call takes.
    private const int MaxPieceSegments = 256;

    private readonly Stack<IoContext> _freeContexts = new();
    private readonly Stack<IoPiece> _freePieces = new();
    private WorkList _waiting;

    /// <summary>Creates a client on <paramref name="loop"/> whose pool holds <paramref name="contexts"/> requests.</summary>
    public IoClient(IoLoop loop, int contexts = DefaultContexts)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ArgumentOutOfRangeException.ThrowIfLessThan(contexts, 1);
        Loop = loop;
        Capacity = contexts;
    }

    /// <summary>The loop of the client and of every device that it is used with.</summary>
    public IoLoop Loop { get; }

    /// <summary>How many requests may be under way at once.</summary>
    public int Capacity { get; private set; }

    /// <summary>How many requests are under way.</summary>
    public int InFlight { get; private set; }

    /// <summary>
    /// Starts a request; from any thread.
    /// </summary>
    /// <returns>
    /// <see cref="Errno.None"/> once accepted: the outcome goes to <see cref="IoRequest.Notify"/>, exactly once. Otherwise
    /// nothing was issued and Notify is not called: EIO for a read of more than one region; EINVAL for more than 64
    /// regions, unknown memory, segments that are not whole sectors or logical blocks, memory that is too short, or
    /// devices of another loop.
    /// </returns>
    public Errno Submit(IoRequest request)
    {
        Errno refused = IoRequestRules.Check(request, Loop);
        if (refused != Errno.None)
            return refused;
        request.Client = this;
        if (Loop.IsCurrent)
            StartPosted(request);
        else
            Loop.Post(request);
        return Errno.None;
    }

    /// <summary>Sets how many requests may be under way at once. Only on the loop.</summary>
    public void Resize(int contexts)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(contexts, 1);
        Capacity = contexts;
        while (_freeContexts.Count > contexts)
            _freeContexts.Pop();
        StartWaiting();
    }

    internal void StartPosted(IoRequest request)
    {
        if (InFlight < Capacity && _waiting.IsEmpty)
            Start(request);
        else
            _waiting.Append(request);
    }

    internal void Finished(IoContext context)
    {
        IoRequest request = context.Request!;
        IoOutcome outcome = context.TakeOutcome();
        InFlight--;
        if (_freeContexts.Count < Capacity)
            _freeContexts.Push(context);
        StartWaiting();
        request.Notify(outcome);
    }

    internal void Return(IoPiece piece)
    {
        if (_freePieces.Count < Capacity * 4)
            _freePieces.Push(piece);
    }

    private void StartWaiting()
    {
        while (InFlight < Capacity && _waiting.TakeFirst() is { } next)
            Start((IoRequest)next);
    }

    private void Start(IoRequest request)
    {
        InFlight++;
        if (!_freeContexts.TryPop(out IoContext? context))
            context = new IoContext(this);
        context.Begin(request);
        ReadOnlySpan<IoRegion> regions = request.Regions;
        for (int i = 0; i < regions.Length; i++)
            StartRegion(context, request, i, regions[i]);
        context.PieceDone();
    }

    private void StartRegion(IoContext context, IoRequest request, int index, in IoRegion region)
    {
        bool flush = request.Operation == BlockOperation.Flush || (request.Flags & BlockFlags.Preflush) != 0;
        if (region.Count == Sectors.Zero || request.Operation == BlockOperation.Flush)
        {
            if (flush)
                StartPiece(context, index, region.Device, BlockOperation.Flush, BlockFlags.None, default, default, default);
            return;
        }
        switch (request.Operation)
        {
            case BlockOperation.Discard:
                StartWithoutPayload(context, request, index, region, region.Device.DiscardLimit);
                break;
            case BlockOperation.WriteZeroes:
                StartWithoutPayload(context, request, index, region, region.Device.WriteZeroesLimit);
                break;
            default:
                StartWithPayload(context, request, index, region);
                break;
        }
    }

    private void StartWithPayload(IoContext context, IoRequest request, int index, in IoRegion region)
    {
        Sectors done = Sectors.Zero;
        while (done < region.Count)
        {
            Sectors length = Sectors.Min(region.Count - done, MaxPiece);
            IoVector data = FirstSegments(context.Data.Slice(done.Bytes, length.Bytes));
            length = Sectors.FromBytes(data.LengthBytes);
            StartPiece(
                context, index, region.Device, request.Operation, request.Flags, region.Sector + done, length, data);
            done += length;
        }
    }

    private void StartWithoutPayload(
        IoContext context, IoRequest request, int index, in IoRegion region, Sectors limit)
    {
        if (limit == Sectors.Zero)
        {
            context.Fail(index, request.Operation, region.Sector, Errno.EOPNOTSUPP);
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
        context.PieceStarted();
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
