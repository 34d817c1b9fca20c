namespace DmIo.Nbd;

/// <summary>A connection's encryption.</summary>
/// <param name="Protocol">Such as <c>TLS 1.3</c>.</param>
/// <param name="Cipher">The cipher suite's registered name.</param>
/// <param name="PeerName">
/// The name in the client's certificate, made printable: the one it was let in by, its common name or its first DNS name
/// where any may come in. Null when it did not have to show a certificate.
/// </param>
public sealed record NbdTlsInfo(string Protocol, string Cipher, string? PeerName);
