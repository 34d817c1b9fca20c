using DmIo.Nbd.Transmission;

namespace DmIo.Nbd.Edge;

/// <summary>FLUSH: the device makes everything that was acknowledged durable, on whichever connection.</summary>
internal sealed class FlushPlan : RequestPlan
{
    public static readonly FlushPlan Instance = new();

    public override void Start(NbdRequest request) =>
        request.Submit(BlockOperation.Flush, Sectors.Zero, Sectors.Zero, IoVector.Empty, BlockFlags.None);

    public override void Continue(NbdRequest request, Errno error) => request.Finish(error);
}
