using DmIo.Nbd.Transmission;

namespace DmIo.Nbd.Edge;

/// <summary>
/// How a kind of request becomes operations of whole blocks on the device. Plans hold no state: where one stands is
/// kept in its request.
/// </summary>
internal abstract class RequestPlan
{
    /// <summary>Whether a success is answered with the request's payload.</summary>
    public virtual bool HasReplyData => false;

    /// <summary>Begins; buffers and payload are there.</summary>
    public abstract void Start(NbdRequest request);

    /// <summary>Goes on after an operation has completed.</summary>
    public abstract void Continue(NbdRequest request, Errno error);

    /// <summary>Goes on with the turn that was asked for.</summary>
    public virtual void TurnGranted(NbdRequest request) => throw new NotSupportedException("This plan takes no turn.");
}
