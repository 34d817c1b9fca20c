using DmIo.Nbd.Transmission;

namespace DmIo.Nbd.Edge;

/// <summary>
/// TRIM: the whole blocks inside the range are discarded; parts of blocks at its ends stay as they are.
/// </summary>
internal sealed class TrimPlan : PiecesPlan
{
    public static readonly TrimPlan Instance = new();

    public override void Start(NbdRequest request)
    {
        long mask = request.BlockBytes - 1;
        request.PositionBytes = (request.OffsetBytes + mask) & ~mask;
        request.EndBytes = (request.OffsetBytes + request.LengthBytes) & ~mask;
        if (request.PositionBytes >= request.EndBytes)
            request.Finish(Errno.None);
        else
            Next(request);
    }

    protected override bool TryGoOn(NbdRequest request, Errno error) => error == Errno.None;

    protected override void StartStep(NbdRequest request) =>
        SubmitPiece(request, BlockOperation.Discard, request.Connection.Device.DiscardLimit, BlockFlags.None);
}
