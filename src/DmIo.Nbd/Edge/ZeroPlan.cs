using DmIo.Nbd.Transmission;

namespace DmIo.Nbd.Edge;

/// <summary>
/// WRITE_ZEROES: whole blocks are zeroed by the device, or by writing zeroes where it cannot; the parts of blocks at an
/// unaligned range's ends are read, patched and written, under the turn on the rounded-out range.
/// </summary>
internal sealed class ZeroPlan : PiecesPlan
{
    public static readonly ZeroPlan Instance = new();

    private const int ReadingBlock = 1;
    private const int BlockIsPatched = 2;
    private const int WritingBlock = 3;

    public override void Start(NbdRequest request)
    {
        request.PositionBytes = request.OffsetBytes;
        request.EndBytes = request.OffsetBytes + request.LengthBytes;
        request.WritesZeroes = request.Connection.Device.WriteZeroesLimit == Sectors.Zero;
        if (request.IsAligned)
            Next(request);
        else
            request.EnterTurn();
    }

    public override void TurnGranted(NbdRequest request) => Next(request);

    protected override void StartStep(NbdRequest request)
    {
        if (request.Stage == BlockIsPatched)
        {
            SubmitBlock(request, BlockOperation.Write, WritingBlock);
            request.PositionBytes = Math.Min(request.EndBytes, request.End.Bytes);
        }
        else if (InBlock(request) != 0 || request.EndBytes - request.PositionBytes < request.BlockBytes)
        {
            SubmitBlock(request, BlockOperation.Read, ReadingBlock);
        }
        else if (request.WritesZeroes)
        {
            var limit = Sectors.FromBytes(LoopMemory.MaxZeroWriteBytes);
            SubmitPiece(request, BlockOperation.Write, limit, BlockFlags.None);
        }
        else
        {
            BlockFlags flags = request.KeepAllocated ? BlockFlags.NoUnmap : BlockFlags.None;
            SubmitPiece(request, BlockOperation.WriteZeroes, request.Connection.Device.WriteZeroesLimit, flags);
        }
    }

    protected override bool TryGoOn(NbdRequest request, Errno error)
    {
        if (error == Errno.EOPNOTSUPP && request.Operation == BlockOperation.WriteZeroes)
        {
            // The device had thought that it could: this piece and what follows is written.
            request.WritesZeroes = true;
            request.PositionBytes = request.Start.Bytes;
            request.Durable |= (request.Flags & BlockFlags.Fua) != 0;
            return true;
        }
        if (error != Errno.None)
            return false;
        if (request.Stage == ReadingBlock)
        {
            int from = InBlock(request);
            int to = (int)Math.Min(request.BlockBytes, from + request.EndBytes - request.PositionBytes);
            request.Scratch[from..to].Clear();
            request.Stage = BlockIsPatched;
        }
        return true;
    }

    private static int InBlock(NbdRequest request) => (int)(request.PositionBytes & (request.BlockBytes - 1));

    private static void SubmitBlock(NbdRequest request, BlockOperation operation, int stage)
    {
        request.Stage = stage;
        var start = Sectors.FromBytes(request.PositionBytes - InBlock(request));
        request.SubmitBlock(operation, start);
    }
}
