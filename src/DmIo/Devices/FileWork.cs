namespace DmIo;

/// <summary>A request of a file device on its way through a lane, or behind the sync that must come before it.</summary>
internal sealed class FileWork(FileDevice device) : LaneWork
{
    private Errno _error;
    private Sectors _failedAt;

    public BlockRequest? Request { get; set; }

    public FileWork? NextFree { get; set; }

    /// <summary>Ends the sync that was asked for before the data: the data may go, or the request has failed.</summary>
    public void PreflushDone(Errno error)
    {
        BlockRequest request = Take();
        if (error == Errno.None)
            device.Transfer(request);
        else
            request.Complete(device.Loop, error, request.Start);
    }

    protected internal override void Execute() => _error = device.Execute(Request!, 0, out _failedAt);

    protected internal override void Run()
    {
        Errno error = _error;
        Sectors failedAt = _failedAt;
        device.Finish(Take(), error, failedAt);
    }

    private BlockRequest Take()
    {
        BlockRequest request = Request!;
        Request = null;
        device.Return(this);
        return request;
    }
}
