namespace DmIo;

/// <summary>A request that ends with a callback.</summary>
internal sealed class CallbackRequest : IoRequest
{
    private IoCallback? _callback;
    private object? _context;
    private RequestPool<CallbackRequest>? _home;

    public void Prepare(RequestPool<CallbackRequest> home, IoCallback callback, object? context)
    {
        _home = home;
        _callback = callback;
        _context = context;
    }

    /// <summary>Goes back to its pool without having been issued.</summary>
    public void Refused() => Release();

    protected internal override void Notify(in IoOutcome outcome)
    {
        IoCallback callback = _callback!;
        object? context = _context;
        Release();
        callback(outcome, context);
    }

    private void Release()
    {
        _callback = null;
        _context = null;
        Memory = default;
        _home!.Return(this);
    }
}
