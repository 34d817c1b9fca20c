namespace DmIo.Mapper;

/// <summary>
/// An operation on a log device that cold code awaits, no longer than its deadline. It has its buffer until its writer has
/// released it and the device has done with it, late or not.
/// </summary>
internal sealed class LogOperation(LogWriter writer) : BlockRequest, IWatched
{
    private readonly TaskCompletionSource<Errno> _source = new();
    private bool _isReleased;
    private bool _hasEnded;
    private bool _isLate;

    /// <summary>How it ended; ETIMEDOUT when it was given up.</summary>
    public Task<Errno> Task => _source.Task;

    /// <summary>Its memory; null for a flush.</summary>
    public IoSegment? Buffer { get; init; }

    public long BeganAt { get; set; }

    public IWatched? Earlier { get; set; }

    public IWatched? Later { get; set; }

    public void Overdue()
    {
        _isLate = true;
        writer.IsOverdue(this);
        _source.SetResult(Errno.ETIMEDOUT);
    }

    /// <summary>The writer does not look at the buffer any more.</summary>
    public void Release()
    {
        if (_isReleased)
            return;
        _isReleased = true;
        ReturnBuffer();
    }

    protected override void Completed()
    {
        if (!IsHeld)
            EndUse();
        if (_isLate)
            return;
        writer.HasEnded(this);
        _source.SetResult(Error);
    }

    protected override void Unheld() => EndUse();

    private void EndUse()
    {
        _hasEnded = true;
        ReturnBuffer();
        if (_isLate)
            writer.HasLanded();
    }

    private void ReturnBuffer()
    {
        if (_isReleased && _hasEnded && Buffer is { } buffer)
            writer.Return(buffer);
    }
}
