namespace DmIo.Nbd.Tls;

/// <summary>
/// A TLS handshake came to nothing, or certificates are of no use. The message holds nothing that a client sent.
/// </summary>
internal sealed class TlsException(string message) : IOException(message);
