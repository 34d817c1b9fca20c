using DmIo.Nbd.Transmission;

namespace DmIo.Nbd.Edge;

/// <summary>
/// CACHE: the range is read and thrown away, so what is beneath has it in its cache, if it has one. A hint: of a long
/// range only the beginning is read.
/// </summary>
internal sealed class CachePlan : PiecesPlan
{
    public static readonly CachePlan Instance = new();

    // Arbitrary: a hint shall not keep a disk busy for long, and others wait meanwhile.
    private const long MostBytes = 64 << 20;

    private const int PieceBytes = 256 << 10;

    /// <summary>The buffer that a request needs: as long as its pieces.</summary>
    public static int ScratchBytes(NbdRequest request) => (int)Math.Min(request.RangeCount.Bytes, PieceBytes);

    // It is no change that others could mind, and a hint is followed as far as it is followed.
    protected override Errno WhenAbandoned => Errno.None;

    public override void Start(NbdRequest request)
    {
        request.Durable = false;
        request.PositionBytes = request.RangeStart.Bytes;
        request.EndBytes = request.PositionBytes + Math.Min(request.RangeCount.Bytes, MostBytes);
        Next(request);
    }

    protected override bool TryGoOn(NbdRequest request, Errno error) => error == Errno.None;

    // The last piece is as long as the others and begins earlier.
    protected override void StartStep(NbdRequest request)
    {
        int bytes = ScratchBytes(request);
        long start = Math.Min(request.PositionBytes, request.EndBytes - bytes);
        request.PositionBytes = start + bytes;
        request.Stage = Piece;
        request.SubmitScratch(BlockOperation.Read, Sectors.FromBytes(start), Sectors.FromBytes(bytes));
    }
}
