using DmIo.Nbd.Transmission;

namespace DmIo.Nbd.Negotiation;

/// <summary>Ends a handshake.</summary>
internal sealed class HandshakeException(EndReason reason) : Exception(reason.Text)
{
    public EndReason Reason { get; } = reason;
}
