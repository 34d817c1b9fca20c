namespace DmIo;

/// <summary>What is known of one request under way: pieces outstanding, error bits, the detail behind each bit.</summary>
internal sealed partial class IoContext(IoClient client) : LoopWork
{
    // Room for 4 MiB of pages stays with a context; what a longer list needed goes back. Arbitrary.
    private const int MaxKeptSegments = 1024;

    private IoSegment[] _segments = new IoSegment[1];
    private RegionFailure[]? _failures;
    private ulong _errorBits;
    private int _outstanding;

    public IoRequest? Request { get; private set; }

    /// <summary>The request's memory, as a vector whatever its form.</summary>
    public IoVector Data { get; private set; }

    public void Begin(IoRequest request)
    {
        Request = request;
        if (request.Operation is BlockOperation.Read or BlockOperation.Write)
            Data = ToVector(request);
        // One for the dispatch itself, so that a request cannot end before all of it has been issued.
        _outstanding = 1;
        _tracks = request.TracksRegions;
        if (_tracks)
            BeginRegions(request);
    }

    public void PieceStarted(IoPiece piece)
    {
        _outstanding++;
        if (_tracks)
            Track(piece);
    }

    public void PieceDone()
    {
        if (--_outstanding == 0)
            client.Loop.Ready(this);
    }

    public void Fail(int region, BlockOperation operation, Sectors sector, Errno errno)
    {
        _failures ??= new RegionFailure[Request!.RegionCount];
        bool first = (_errorBits >> region & 1) == 0;
        if (first || sector < _failures[region].FirstFailingSector)
            _failures[region] = new RegionFailure(operation, sector, errno);
        _errorBits |= 1UL << region;
    }

    public void PieceFinished(IoPiece piece)
    {
        int region = piece.Region;
        NoteResult(piece);
        client.Return(piece);
        if (_tracks)
            PieceOfRegionDone(region);
        PieceDone();
    }

    /// <summary>Ends the use of the context, but for pieces that <see cref="MustLand"/>.</summary>
    public IoOutcome TakeOutcome()
    {
        var outcome = new IoOutcome(_errorBits, _failures);
        _errorBits = 0;
        _failures = null;
        if (_tracks)
            Request!.Context = null;
        _isFinished = MustLand;
        if (!_isFinished)
            Clear();
        return outcome;
    }

    protected internal override void Run()
    {
        if (_endedAtOnce != 0)
            TellEndedAtOnce();
        else
            client.Finished(this);
    }

    private void NoteResult(IoPiece piece)
    {
        if (piece.Error == Errno.None)
            return;
        // A device that does not know where it failed is believed to have done so from the piece's beginning.
        bool known = piece.FailedAt >= piece.Start && piece.FailedAt < piece.End;
        Fail(piece.Region, piece.Operation, known ? piece.FailedAt : piece.Start, piece.Error);
        // What could not be read is zeroes, never what happened to lie in the buffer.
        if (piece.Operation == BlockOperation.Read)
            piece.Data.Clear();
    }

    private void Clear()
    {
        Request = null;
        Data = default;
        if (_segments.Length > MaxKeptSegments)
            _segments = new IoSegment[1];
    }

    private IoVector ToVector(IoRequest request)
    {
        switch (request.Memory.Kind)
        {
            case IoMemoryKind.Contiguous:
                _segments[0] = request.Memory.Buffer;
                return new IoVector(_segments, 1);
            case IoMemoryKind.PageList:
                Sectors longest = Sectors.Zero;
                foreach (IoRegion region in request.Regions)
                    longest = Sectors.Max(longest, region.Count);
                return WalkPages(request.Memory, longest.Bytes);
            default:
                return request.Memory.Vector;
        }
    }

    // Only as far as the request needs it: a list may be longer, or a ring.
    private IoVector WalkPages(in IoMemory memory, long lengthBytes)
    {
        int count = 0;
        int offset = memory.OffsetBytes;
        long length = 0;
        for (PageList? page = memory.Pages; page is not null && length < lengthBytes; page = page.Next)
        {
            if (count == _segments.Length)
                Array.Resize(ref _segments, Math.Max(16, count * 2));
            _segments[count++] = new IoSegment(page.Page + offset, PageList.PageBytes - offset);
            length += PageList.PageBytes - offset;
            offset = 0;
        }
        return new IoVector(_segments, count);
    }
}
