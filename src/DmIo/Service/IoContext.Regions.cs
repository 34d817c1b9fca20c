using System.Numerics;

namespace DmIo;

/// <content>
/// What is known region by region, for requests that ask for it. A piece that is given up, or that completes while it is
/// held, is detached: its region ends without it, and the context waits until it has landed before it is used again,
/// since the piece's vector may lie in the context's segments.
/// </content>
internal sealed partial class IoContext
{
    private RegionCounts[] _regions = [];
    private IoPiece?[] _pieces = [];
    private int _pieceCount;
    private bool _tracks;
    private ulong _underWay;
    private ulong _endedAtOnce;
    private int _detachedCount;
    private bool _isFinished;

    /// <summary>Regions with pieces that have neither ended nor been given up.</summary>
    public ulong UnderWayBits => _underWay;

    /// <summary>Whether pieces of the finished request have yet to land.</summary>
    public bool MustLand => _detachedCount > 0;

    /// <summary>Everything has been issued: the request may end, and regions without any piece have.</summary>
    public void Dispatched()
    {
        if (_tracks)
            _endedAtOnce = ulong.MaxValue >> (IoRegion.MaxRegions - Request!.RegionCount) & ~_underWay;
        if (_endedAtOnce != 0)
            client.Loop.Ready(this);
        else
            PieceDone();
    }

    /// <summary>A piece whose memory is still in use has a result.</summary>
    public void PieceHeld(IoPiece piece)
    {
        // Who is not told of regions frees the memory when the request ends: such a piece ends when it is let go.
        if (!_tracks || piece.IsDetached)
            return;
        NoteResult(piece);
        Detach(piece);
        PieceOfRegionDone(piece.Region);
        PieceDone();
    }

    /// <summary>A detached piece no longer uses memory.</summary>
    public void PieceLanded(IoPiece piece)
    {
        int region = piece.Region;
        ulong bit = 1UL << region;
        IoRequest request = Request!;
        client.Return(piece);
        client.PieceLanded();
        bool isLast = --_regions[region].Detached == 0;
        if (isLast)
            request.PinnedBits &= ~bit;
        bool hasEnded = (_underWay & bit) == 0;
        if (--_detachedCount == 0 && _isFinished)
        {
            _isFinished = false;
            Clear();
            client.Landed(this);
        }
        if (isLast && hasEnded)
            request.Landed(region);
        client.CheckDrained();
    }

    /// <summary>Ends regions without those of their pieces that have not ended.</summary>
    /// <returns>The regions of <paramref name="bits"/> to which this happened.</returns>
    public ulong Abandon(ulong bits, Errno errno)
    {
        bits &= _underWay;
        int given = 0;
        for (int i = 0; i < _pieceCount; i++)
        {
            // A piece that has ended belongs to no context, or by now to another.
            IoPiece piece = _pieces[i]!;
            if (piece.Context != this || piece.IsDetached || (bits >> piece.Region & 1) == 0)
                continue;
            Fail(piece.Region, piece.Operation, piece.Start, errno);
            Detach(piece);
            _regions[piece.Region].UnderWay--;
            given++;
        }
        _underWay &= ~bits;
        for (ulong left = bits; left != 0; left &= left - 1)
            TellRegion(BitOperations.TrailingZeroCount(left));
        _outstanding -= given;
        if (given > 0 && _outstanding == 0)
            client.Loop.Ready(this);
        return bits;
    }

    private void BeginRegions(IoRequest request)
    {
        if (_regions.Length < request.RegionCount)
            _regions = new RegionCounts[request.RegionCount];
        _pieceCount = 0;
        request.Context = this;
    }

    private void Track(IoPiece piece)
    {
        if (_pieceCount == _pieces.Length)
            Array.Resize(ref _pieces, Math.Max(4, _pieceCount * 2));
        _pieces[_pieceCount++] = piece;
        _regions[piece.Region].UnderWay++;
        _underWay |= 1UL << piece.Region;
    }

    private void Detach(IoPiece piece)
    {
        piece.IsDetached = true;
        _detachedCount++;
        _regions[piece.Region].Detached++;
        Request!.PinnedBits |= 1UL << piece.Region;
        client.PieceDetached();
    }

    private void PieceOfRegionDone(int region)
    {
        if (--_regions[region].UnderWay > 0)
            return;
        _underWay &= ~(1UL << region);
        TellRegion(region);
    }

    private void TellRegion(int region)
    {
        RegionFailure? failure = (_errorBits >> region & 1) == 0 ? null : _failures![region];
        Request!.RegionFinished(region, failure);
    }

    private void TellEndedAtOnce()
    {
        ulong bits = _endedAtOnce;
        _endedAtOnce = 0;
        for (; bits != 0; bits &= bits - 1)
            TellRegion(BitOperations.TrailingZeroCount(bits));
        PieceDone();
    }

    /// <summary>Pieces of one region.</summary>
    private struct RegionCounts
    {
        public int UnderWay;
        public int Detached;
    }
}
