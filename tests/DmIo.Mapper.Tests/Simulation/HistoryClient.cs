namespace DmIo.Mapper.Tests;

/// <summary>
/// A client of one device, over all its lives, that tells a <see cref="HistoryModel"/> what it does and checks what it
/// reads; what is wrong is thrown from the loop as a <see cref="HistoryViolationException"/>. Its memory is used again as
/// soon as a request has completed, so a device that goes on using it shows. Requests may overlap as they like.
/// </summary>
internal sealed class HistoryClient(HistoryModel model)
{
    // What no stamp is: memory that a read left as it was.
    private const byte Untouched = 0xEE;

    private readonly Stack<HistoryRequest> _free = new();
    private BlockDevice? _device;
    private int _life;

    public HistoryModel Model => model;

    /// <summary>The device of the present life.</summary>
    public BlockDevice Device
    {
        get => _device ?? throw new InvalidOperationException("There is no device yet.");
        set => _device = value;
    }

    /// <summary>Whether a failed flush may be followed by reads of what was there before (<see cref="HistoryModel"/>).</summary>
    public bool FlushErrorsSpoilReads { get; set; }

    /// <summary>Where requests are told; null: nowhere.</summary>
    public Story? Story { get; set; }

    /// <summary>Called for each completed request, behind the checks; it must not keep it.</summary>
    public Action<HistoryRequest>? OnCompleted { get; set; }

    /// <summary>Requests of this life that have not completed.</summary>
    public int UnderWay { get; private set; }

    public void Read(long start, long count)
    {
        HistoryRequest request = Rent(BlockOperation.Read, start, count, BlockFlags.None);
        request.TakeMemory((int)request.Count.Bytes);
        request.Memory.Fill(Untouched);
        request.Read = model.BeginRead(start, count);
        Submit(request, request.Read.SubmittedAt);
    }

    public void Write(long start, long count, BlockFlags flags = BlockFlags.None)
    {
        HistoryRequest request = Rent(BlockOperation.Write, start, count, flags);
        request.Change = model.BeginChange(BlockOperation.Write, start, count, flags);
        request.TakeMemory((int)request.Count.Bytes);
        HistoryModel.Fill(request.Change, request.Memory);
        Submit(request, request.Change.SubmittedAt);
    }

    /// <summary>A discard or a write-zeroes.</summary>
    public void Zero(BlockOperation operation, long start, long count, BlockFlags flags = BlockFlags.None)
    {
        HistoryRequest request = Rent(operation, start, count, flags);
        request.Change = model.BeginChange(operation, start, count, flags);
        Submit(request, request.Change.SubmittedAt);
    }

    public void Flush()
    {
        HistoryRequest request = Rent(BlockOperation.Flush, 0, 0, BlockFlags.None);
        request.Flush = model.BeginFlush();
        Submit(request, request.Flush.SubmittedAt);
    }

    /// <summary>Power was cut under the device; a new <see cref="Device"/> is to be set.</summary>
    public void PowerCut()
    {
        EndLife();
        model.PowerCut();
    }

    /// <summary>The program of the device was killed; a new <see cref="Device"/> is to be set.</summary>
    public void Kill()
    {
        EndLife();
        model.Kill();
    }

    internal void Completed(HistoryRequest request)
    {
        if (--request.Outstanding != 0)
            throw new HistoryViolationException($"A {request.Operation} at {request.Start} completed twice.");
        // What completes behind the end of a life is seen by no one.
        if (request.Life != _life)
            return;
        UnderWay--;
        Story?.Add($"client: {request.Operation} {request.Start}+{request.Count} ends: {request.Error}");
        string? wrong = Tell(request);
        if (wrong is not null)
            throw new HistoryViolationException(wrong);
        OnCompleted?.Invoke(request);
        request.ReleaseAnswer();
        if (!request.IsHeld)
            Free(request);
    }

    /// <summary>Nothing uses the request's memory any more.</summary>
    internal void Free(HistoryRequest request) => _free.Push(request);

    private string? Tell(HistoryRequest request)
    {
        bool succeeded = request.Error == Errno.None;
        switch (request.Operation)
        {
            case BlockOperation.Read when succeeded:
                return model.Check(request.Read, request.Answer);
            case BlockOperation.Read:
                model.Fail(request.Read);
                break;
            case BlockOperation.Flush when succeeded:
                model.Acknowledge(request.Flush);
                break;
            case BlockOperation.Flush:
                model.Fail(request.Flush, FlushErrorsSpoilReads);
                break;
            default:
                if (succeeded)
                    model.Acknowledge(request.Change!);
                else
                    model.Fail(request.Change!, FlushErrorsSpoilReads);
                break;
        }
        return null;
    }

    private void EndLife()
    {
        _life++;
        UnderWay = 0;
        _device = null;
    }

    private HistoryRequest Rent(BlockOperation operation, long start, long count, BlockFlags flags)
    {
        if (!_free.TryPop(out HistoryRequest? request))
            request = new HistoryRequest(this);
        request.Operation = operation;
        request.Flags = flags;
        request.Start = new Sectors(start);
        request.Count = new Sectors(count);
        request.Data = IoVector.Empty;
        request.Change = null;
        return request;
    }

    private void Submit(HistoryRequest request, long at)
    {
        Story?.Add($"client: {request.Operation} {request.Start}+{request.Count} {request.Flags} at {at}");
        request.Life = _life;
        request.Outstanding = 1;
        UnderWay++;
        Device.Submit(request);
    }
}
