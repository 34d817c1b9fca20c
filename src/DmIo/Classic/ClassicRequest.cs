namespace DmIo;

/// <summary>A request of an asynchronous classic call.</summary>
internal sealed class ClassicRequest : IoRequest
{
    private RequestPool<ClassicRequest>? _home;
    private IoNotify? _notify;
    private object? _context;

    public void Prepare(
        RequestPool<ClassicRequest> home, IoNotify notify, object? context, BlockOperation rw,
        ReadOnlySpan<IoRegion> where, in IoMemory memory)
    {
        _home = home;
        _notify = notify;
        _context = context;
        Operation = rw;
        Memory = memory;
        SetRegions(where);
    }

    /// <summary>Goes back to its pool without having been issued.</summary>
    public void Refused() => Release();

    protected internal override void Notify(in IoOutcome outcome)
    {
        IoNotify notify = _notify!;
        object? context = _context;
        Release();
        notify(outcome.ErrorBits, context);
    }

    private void Release()
    {
        _notify = null;
        _context = null;
        Memory = default;
        _home!.Return(this);
    }
}
