namespace DmIo;

/// <content>Holding requests back while what serves them is changed.</content>
public abstract partial class OrderedDevice
{
    private LoopWork? _firstHeldBack;
    private LoopWork? _lastHeldBack;
    private TaskCompletionSource? _drained;
    private bool _holdsBack;

    /// <summary>Requests that were started and have not ended.</summary>
    public int InFlight { get; private set; }

    /// <summary>Requests that wait for <see cref="StartAgain"/>.</summary>
    public int HeldBack { get; private set; }

    /// <summary>
    /// From now on requests wait, in the order in which they would have been started. Only on the loop.
    /// </summary>
    /// <returns>Ends when nothing that was started is under way any more.</returns>
    protected Task HoldBackAsync()
    {
        _holdsBack = true;
        return DrainAsync();
    }

    /// <summary>Ends when nothing that was started is under way. Only on the loop.</summary>
    protected Task DrainAsync()
    {
        if (InFlight == 0)
            return Task.CompletedTask;
        _drained ??= new TaskCompletionSource();
        return _drained.Task;
    }

    /// <summary>
    /// Starts what was held back, except what nobody waits for any more, and holds nothing back from now on. Only on the
    /// loop.
    /// </summary>
    protected void StartAgain()
    {
        _holdsBack = false;
        while (_firstHeldBack is BlockRequest request)
        {
            _firstHeldBack = request.NextWork;
            request.NextWork = null;
            HeldBack--;
            if (request.IsAbandoned)
                request.Complete(Loop, Errno.ECANCELED, request.Start);
            else
                StartCounted(request);
        }
        _lastHeldBack = null;
    }

    internal void Ended()
    {
        if (--InFlight > 0 || _drained is not { } drained)
            return;
        _drained = null;
        drained.SetResult();
    }

    private void StartOrHoldBack(BlockRequest request)
    {
        if (!_holdsBack)
        {
            StartCounted(request);
            return;
        }
        if (_lastHeldBack is null)
            _firstHeldBack = request;
        else
            _lastHeldBack.NextWork = request;
        _lastHeldBack = request;
        HeldBack++;
    }

    private void StartCounted(BlockRequest request)
    {
        InFlight++;
        request.StartedBy = this;
        Start(request);
    }
}
