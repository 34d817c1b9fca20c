namespace DmIo;

/// <content>
/// What outlives a completion: an operation beneath that still uses the request's memory, the request's turn, and an
/// answer that lies in other memory than the request's own.
/// </content>
public abstract partial class BlockRequest
{
    /// <summary>The most segments of an answer in other memory: it must fit in one gathered send, with room to spare.</summary>
    public const int MaxAnswerSegments = 512;

    private int _holds;
    private bool _completedHeld;
    private BlockRequest? _heldParent;
    private IoVector _answer;
    private IReadBuffer? _answerOwner;

    /// <summary>
    /// Whether something beneath still uses the request's memory. A maker that sees this in <see cref="Completed"/>
    /// takes the result, and keeps the request object, the segment array of its <see cref="Data"/> and the memory as
    /// they are until <see cref="Unheld"/>.
    /// </summary>
    public bool IsHeld => _holds != 0;

    /// <summary>
    /// Whether the maker takes the answer of a read from <see cref="AnsweredData"/>, and a device may therefore use
    /// <see cref="AnswerWith"/>.
    /// </summary>
    public virtual bool TakesOtherMemory => false;

    /// <summary>Whether <see cref="AnsweredData"/> lies in other memory.</summary>
    public bool HasOtherAnswer => _answerOwner is not null;

    /// <summary>Where the data of a successful read lies: <see cref="Data"/>, unless the device says otherwise.</summary>
    public IoVector AnsweredData => _answerOwner is null ? Data : _answer;

    /// <summary>
    /// Called by a device before it completes a request whose memory an operation beneath still uses: it may be read, or
    /// for a read be written, until as many calls of <see cref="Unhold"/>. Only on the loop.
    /// </summary>
    public void Hold() => _holds++;

    /// <summary>
    /// Ends one hold. Only on the loop and never inside <see cref="BlockDevice.Submit"/>: <see cref="Unheld"/> runs from
    /// here when it was the last of a request that has completed.
    /// </summary>
    public void Unhold()
    {
        if (_holds == 0)
            throw new InvalidOperationException("The request is not held.");
        if (--_holds > 0 || !_completedHeld)
            return;
        _completedHeld = false;
        BlockRequest? parent = _heldParent;
        _heldParent = null;
        Unheld();
        parent?.Unhold();
    }

    /// <summary>
    /// Called by a device that has started the request and not yet completed it: the request's turn outlives its
    /// completion, until <see cref="KeptTurn.Finish"/>.
    /// </summary>
    /// <returns>Null when the request has no turn of its own: nobody may then be told early that it has ended.</returns>
    public KeptTurn? KeepTurn()
    {
        OrderedDevice.RequestTurn? turn = OwnTurn;
        if (turn is null)
            return null;
        OwnTurn = null;
        turn.Request = null;
        return turn;
    }

    /// <summary>
    /// Called by a device before it completes a read, when the data lies in memory of its own because something may still
    /// write into the request's.
    /// </summary>
    /// <param name="data">As long as <see cref="Data"/>, in at most <see cref="MaxAnswerSegments"/>; it and its segment array stay as they are until the release.</param>
    /// <param name="owner">Told when the maker is done with it.</param>
    /// <exception cref="InvalidOperationException">
    /// The maker would not look at it (<see cref="TakesOtherMemory"/>), or there is such an answer already.
    /// </exception>
    public void AnswerWith(IoVector data, IReadBuffer owner)
    {
        ArgumentNullException.ThrowIfNull(owner);
        ArgumentOutOfRangeException.ThrowIfNotEqual(data.LengthBytes, Data.LengthBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(data.CountSegments(), MaxAnswerSegments, nameof(data));
        if (!TakesOtherMemory || _answerOwner is not null)
            throw new InvalidOperationException("The request cannot be answered from other memory.");
        _answer = data;
        _answerOwner = owner;
    }

    /// <summary>
    /// Called by the maker when it has sent or copied <see cref="AnsweredData"/>, and before it uses the request again:
    /// gives other memory back to its owner. Does nothing when there is none.
    /// </summary>
    public void ReleaseAnswer()
    {
        if (_answerOwner is not { } owner)
            return;
        _answerOwner = null;
        _answer = default;
        owner.Release();
    }

    /// <summary>
    /// For devices that pass requests on with objects of their own, in <see cref="Completed"/>, before they complete the
    /// request that they were given: while this one is held, so is <paramref name="parent"/>.
    /// </summary>
    /// <returns>Whether this object is held: it must not be reused before <see cref="Unheld"/>.</returns>
    protected bool PassHoldTo(BlockRequest parent)
    {
        ArgumentNullException.ThrowIfNull(parent);
        if (_holds == 0)
            return false;
        _heldParent = parent;
        parent.Hold();
        return true;
    }

    /// <summary>
    /// The same for an answer in other memory, where all of the parent is asked of one child and
    /// <see cref="TakesOtherMemory"/> is the parent's.
    /// </summary>
    protected void PassAnswerTo(BlockRequest parent)
    {
        ArgumentNullException.ThrowIfNull(parent);
        if (_answerOwner is not { } owner)
            return;
        _answerOwner = null;
        parent.AnswerWith(_answer, owner);
        _answer = default;
    }

    /// <summary>
    /// Runs on the loop, after <see cref="Completed"/>, when the last hold of a request that was held at its completion
    /// has ended. It may be submitted again or returned to its pool from here.
    /// </summary>
    protected virtual void Unheld()
    {
    }
}
