using DmIo.Nbd.Transmission;

namespace DmIo.Nbd.Edge;

/// <summary>
/// An unaligned WRITE: under the turn on the rounded-out range, the blocks at its ends are read, the bytes around the
/// client's are taken from them, and the whole is written at once.
/// </summary>
internal sealed class PatchedWritePlan : RequestPlan
{
    public static readonly PatchedWritePlan Instance = new();

    private const int ReadingHead = 0;
    private const int ReadingTail = 1;
    private const int Writing = 2;

    public override void Start(NbdRequest request) => request.EnterTurn();

    public override void TurnGranted(NbdRequest request)
    {
        if (request.HeadBytes > 0)
            ReadBlock(request, ReadingHead, request.RangeStart);
        else
            ReadTail(request);
    }

    public override void Continue(NbdRequest request, Errno error)
    {
        if (error != Errno.None || request.Stage == Writing)
        {
            request.Finish(error);
            return;
        }
        if (request.IsAbandoned)
        {
            request.Finish(Errno.ECANCELED);
            return;
        }
        bool hasOneBlock = request.RangeCount.Bytes == request.BlockBytes;
        if (request.Stage == ReadingHead)
            request.Whole.CopyFrom(request.Scratch[..request.HeadBytes]);
        if (request.Stage == ReadingTail || hasOneBlock)
            PatchTail(request);
        if (request.Stage == ReadingTail || hasOneBlock || TailBytes(request) == 0)
            Write(request);
        else
            ReadTail(request);
    }

    // Bytes of the last block that lie behind the client's range.
    private static int TailBytes(NbdRequest request) =>
        (int)(request.RangeCount.Bytes - request.HeadBytes - request.LengthBytes);

    private static void PatchTail(NbdRequest request)
    {
        int tail = TailBytes(request);
        request.Whole.Slice(request.RangeCount.Bytes - tail, tail).CopyFrom(request.Scratch[^tail..]);
    }

    private static void ReadTail(NbdRequest request)
    {
        Sectors block = Sectors.FromBytes(request.BlockBytes);
        ReadBlock(request, ReadingTail, request.RangeStart + request.RangeCount - block);
    }

    private static void ReadBlock(NbdRequest request, int stage, Sectors at)
    {
        request.Stage = stage;
        request.SubmitBlock(BlockOperation.Read, at);
    }

    private static void Write(NbdRequest request)
    {
        request.Stage = Writing;
        BlockFlags flags = request.Durable ? BlockFlags.Fua : BlockFlags.None;
        request.Submit(BlockOperation.Write, request.RangeStart, request.RangeCount, request.Whole, flags);
    }
}
