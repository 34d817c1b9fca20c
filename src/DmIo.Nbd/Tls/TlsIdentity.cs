using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace DmIo.Nbd.Tls;

/// <summary>What was read of a directory of certificates.</summary>
/// <param name="Server">The server's certificate with its key, and those between it and its authority.</param>
/// <param name="Authorities">Whose signatures clients' certificates need; null when they are not asked for.</param>
/// <param name="Revoked">Certificates that are no longer good, as a PEM text; null when there is no list.</param>
internal sealed record TlsIdentity(
    SslStreamCertificateContext Server, X509Certificate2Collection? Authorities, string? Revoked)
{
    /// <summary>The server's own certificate.</summary>
    public X509Certificate2 Certificate => Server.TargetCertificate;

    /// <summary>Whether the list names a certificate. Only the serial number is looked at.</summary>
    public bool IsRevoked(X509Certificate2 certificate) =>
        Revoked is not null
        && CertificateRevocationListBuilder.LoadPem(Revoked, out _).RemoveEntry(certificate.SerialNumberBytes.Span);
}
