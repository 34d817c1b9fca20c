namespace DmIo;

/// <summary>
/// A device on which overlapping changes take turns, across everyone who uses it: what can be exported is one of these.
/// Reads and flushes take no turn.
/// </summary>
public abstract partial class OrderedDevice : BlockDevice
{
    private RequestTurn? _freeTurns;

    /// <summary>Creates a device whose home is <paramref name="loop"/>.</summary>
    protected OrderedDevice(IoLoop loop)
        : base(loop) => Turns = new Turns(loop);

    /// <summary>The order of changes; whoever reads, modifies and writes takes a turn here first.</summary>
    public Turns Turns { get; }

    /// <inheritdoc/>
    public sealed override void Submit(BlockRequest request)
    {
        Errno invalid = Validate(request);
        if (invalid != Errno.None)
        {
            request.Complete(Loop, invalid, request.Start);
            return;
        }
        if (!request.ChangesData || request.HeldTurn is not null)
        {
            StartOrHoldBack(request);
            return;
        }
        RequestTurn turn = RentTurn();
        turn.Request = request;
        request.OwnTurn = turn;
        if (Turns.TryEnter(turn, request.Start, request.Count))
            StartOrHoldBack(request);
    }

    /// <summary>Does a valid request that has its turn.</summary>
    protected abstract void Start(BlockRequest request);

    private RequestTurn RentTurn()
    {
        if (_freeTurns is not { } turn)
            return new RequestTurn(this);
        _freeTurns = turn.NextFree;
        return turn;
    }

    /// <summary>The turn of one request, pooled by the device.</summary>
    internal sealed class RequestTurn(OrderedDevice device) : KeptTurn
    {
        public BlockRequest? Request { get; set; }

        public RequestTurn? NextFree { get; private set; }

        public override void Finish()
        {
            Request = null;
            device.Turns.Leave(this);
            NextFree = device._freeTurns;
            device._freeTurns = this;
        }

        protected override void Granted()
        {
            if (Request!.IsAbandoned)
                Request.Complete(device.Loop, Errno.ECANCELED, Request.Start);
            else
                device.StartOrHoldBack(Request);
        }
    }
}
