using DmIo.Nbd.Transmission;

namespace DmIo.Nbd.Edge;

/// <summary>
/// One operation is the whole request: aligned writes, and all reads, which read their range rounded out and answer
/// with the part that was asked for.
/// </summary>
internal sealed class DirectPlan(BlockOperation operation) : RequestPlan
{
    public static readonly DirectPlan Reading = new(BlockOperation.Read);
    public static readonly DirectPlan Writing = new(BlockOperation.Write);

    public override bool HasReplyData => operation == BlockOperation.Read;

    public override void Start(NbdRequest request)
    {
        BlockFlags flags = request.Durable && operation == BlockOperation.Write ? BlockFlags.Fua : BlockFlags.None;
        request.Submit(operation, request.RangeStart, request.RangeCount, request.Whole, flags);
    }

    public override void Continue(NbdRequest request, Errno error) => request.Finish(error);
}
