using System.Security.Cryptography.X509Certificates;

namespace DmIo.Nbd.Tls;

/// <summary>The names that a certificate bears.</summary>
internal static class PeerNames
{
    private const string CommonNameOid = "2.5.4.3";

    /// <summary>The common name, if there is one, and the DNS names.</summary>
    public static IEnumerable<string> Of(X509Certificate2 certificate) =>
        CommonName(certificate) is { } name ? [name, .. DnsNames(certificate)] : DnsNames(certificate);

    /// <summary>The first of the allowed names that the certificate bears; null when it bears none.</summary>
    public static string? Allowed(X509Certificate2 certificate, IReadOnlyList<string> allowed)
    {
        string? commonName = CommonName(certificate);
        string[] dnsNames = [.. DnsNames(certificate)];
        return allowed.FirstOrDefault(
            a => a == commonName || dnsNames.Contains(a, StringComparer.OrdinalIgnoreCase));
    }

    // Of two nobody could say which one counts.
    private static string? CommonName(X509Certificate2 certificate)
    {
        string[] names =
        [
            .. certificate.SubjectName.EnumerateRelativeDistinguishedNames()
                .Where(n => !n.HasMultipleElements && n.GetSingleElementType().Value == CommonNameOid)
                .Select(n => n.GetSingleElementValue()!),
        ];
        return names is [{ } one] ? one : null;
    }

    private static IEnumerable<string> DnsNames(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(e => e.EnumerateDnsNames());
}
