namespace DmIo;

/// <summary>What is known of one request under way: pieces outstanding, error bits, the detail behind each bit.</summary>
internal sealed class IoContext(IoClient client) : LoopWork
{
    private IoSegment[] _pageSegments = [];
    private RegionFailure[]? _failures;
    private ulong _errorBits;
    private int _outstanding;

    public IoRequest? Request { get; private set; }

    public IoVector Data { get; private set; }

    public void Begin(IoRequest request)
    {
        Request = request;
        Data = request.Memory.Kind == IoMemoryKind.PageList ? WalkPages(request.Memory) : request.Memory.Vector;
        // One for the dispatch itself, so that a request cannot end before all of it has been issued.
        _outstanding = 1;
    }

    public void PieceStarted() => _outstanding++;

    public void PieceDone()
    {
        if (--_outstanding == 0)
            client.Loop.Ready(this);
    }

    public void Fail(int region, BlockOperation operation, Sectors sector, Errno errno)
    {
        _failures ??= new RegionFailure[IoRegion.MaxRegions];
        bool first = (_errorBits >> region & 1) == 0;
        if (first || sector < _failures[region].FirstFailingSector)
            _failures[region] = new RegionFailure(operation, sector, errno);
        _errorBits |= 1UL << region;
    }

    public void PieceFinished(IoPiece piece)
    {
        if (piece.Error != Errno.None)
        {
            Fail(piece.Region, piece.Operation, piece.FailedAt, piece.Error);
            // What could not be read is zeroes, never what happened to lie in the buffer.
            if (piece.Operation == BlockOperation.Read)
                piece.Data.Clear();
        }
        client.Return(piece);
        PieceDone();
    }

    public IoOutcome TakeOutcome()
    {
        var outcome = new IoOutcome(_errorBits, _failures);
        _errorBits = 0;
        _failures = null;
        Request = null;
        Data = default;
        return outcome;
    }

    protected internal override void Run() => client.Finished(this);

    private IoVector WalkPages(in IoMemory memory)
    {
        int count = 0;
        int offset = memory.OffsetBytes;
        for (PageList? page = memory.Pages; page is not null; page = page.Next)
        {
            if (count == _pageSegments.Length)
                Array.Resize(ref _pageSegments, Math.Max(16, count * 2));
            _pageSegments[count++] = new IoSegment(page.Page + offset, PageList.PageBytes - offset);
            offset = 0;
        }
        return new IoVector(_pageSegments, count);
    }
}
