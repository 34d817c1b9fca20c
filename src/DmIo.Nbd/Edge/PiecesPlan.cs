using DmIo.Nbd.Transmission;

namespace DmIo.Nbd.Edge;

/// <summary>
/// A range without payload that may be longer than the device takes at once: pieces one after the other, and where it
/// must be durable one flush behind them, unless a single piece says so itself.
/// </summary>
internal abstract class PiecesPlan : RequestPlan
{
    /// <summary>The stage of a piece; derived plans have others.</summary>
    protected const int Piece = 0;

    private const int Flushing = -1;

    /// <summary>How a request ends that is given up between two of its pieces.</summary>
    protected virtual Errno WhenAbandoned => Errno.ECANCELED;

    /// <inheritdoc/>
    public sealed override void Continue(NbdRequest request, Errno error)
    {
        if (request.Stage == Flushing)
            request.Finish(error);
        else if (!TryGoOn(request, error))
            request.Finish(error);
        else if (request.IsAbandoned && request.PositionBytes < request.EndBytes)
            request.Finish(WhenAbandoned);
        else
            Next(request);
    }

    /// <summary>Takes note of a step's end.</summary>
    /// <returns>False when it failed and the request with it.</returns>
    protected abstract bool TryGoOn(NbdRequest request, Errno error);

    /// <summary>Starts the step at <see cref="NbdRequest.PositionBytes"/>, which lies before the end.</summary>
    protected abstract void StartStep(NbdRequest request);

    /// <summary>Starts the next step, or ends the request.</summary>
    protected void Next(NbdRequest request)
    {
        if (request.PositionBytes < request.EndBytes)
        {
            StartStep(request);
        }
        else if (request.Durable)
        {
            request.Stage = Flushing;
            request.Submit(BlockOperation.Flush, Sectors.Zero, Sectors.Zero, IoVector.Empty, BlockFlags.None);
        }
        else
        {
            request.Finish(Errno.None);
        }
    }

    /// <summary>Sends the next piece, at most as long as <paramref name="limit"/>.</summary>
    protected static void SubmitPiece(NbdRequest request, BlockOperation operation, Sectors limit, BlockFlags flags)
    {
        long limitBytes = Math.Max(limit.Bytes & -request.BlockBytes, request.BlockBytes);
        long whole = (request.EndBytes - request.PositionBytes) & -request.BlockBytes;
        var count = Sectors.FromBytes(Math.Min(whole, limitBytes));
        var start = Sectors.FromBytes(request.PositionBytes);
        IoVector data = operation == BlockOperation.Write
            ? request.Memory.Zeroes((int)count.Bytes)
            : IoVector.Empty;
        request.PositionBytes += count.Bytes;
        if (request.Durable && start == request.RangeStart && count == request.RangeCount)
        {
            flags |= BlockFlags.Fua;
            request.Durable = false;
        }
        request.Stage = Piece;
        request.SubmitStep(operation, start, count, data, flags);
    }
}
