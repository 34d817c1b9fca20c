using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace DmIo.Testing;

/// <summary>An authority that signs certificates for tests, and writes the directories that servers and clients read.</summary>
public sealed class TestAuthority : IDisposable
{
    private static readonly DateTimeOffset s_from = DateTimeOffset.UtcNow.AddDays(-2);
    private static readonly DateTimeOffset s_until = DateTimeOffset.UtcNow.AddDays(20);

    private readonly X509Certificate2 _certificate;

    public TestAuthority(string name = "test authority")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _certificate = request.CreateSelfSigned(s_from, s_until);
    }

    public string Pem => _certificate.ExportCertificatePem() + "\n";

    /// <summary>Signs a certificate for a subject; its key comes with it.</summary>
    public X509Certificate2 Issue(string subject, params ReadOnlySpan<string> dnsNames)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_certificate, true, false));
        if (dnsNames.Length > 0)
        {
            var names = new SubjectAlternativeNameBuilder();
            foreach (string name in dnsNames)
                names.AddDnsName(name);
            request.CertificateExtensions.Add(names.Build());
        }
        using X509Certificate2 signed = request.Create(_certificate, s_from, s_until, RandomNumberGenerator.GetBytes(12));
        return signed.CopyWithPrivateKey(key);
    }

    /// <summary>A list of certificates that are no longer good.</summary>
    public string RevocationPem(params ReadOnlySpan<X509Certificate2> revoked)
    {
        var list = new CertificateRevocationListBuilder();
        foreach (X509Certificate2 certificate in revoked)
            list.AddEntry(certificate);
        byte[] bytes = list.Build(_certificate, 1, s_until, HashAlgorithmName.SHA256);
        return PemEncoding.WriteString("X509 CRL", bytes) + "\n";
    }

    /// <summary>Writes what a server needs, for <c>localhost</c>.</summary>
    public void WriteServer(string directory)
    {
        using X509Certificate2 certificate = Issue("CN=localhost", "localhost");
        WriteServer(directory, certificate);
    }

    public void WriteServer(string directory, X509Certificate2 certificate) =>
        Write(directory, "server", certificate);

    /// <summary>Writes what clients of libnbd, nbdkit and qemu need.</summary>
    public void WriteClient(string directory, X509Certificate2 certificate) =>
        Write(directory, "client", certificate);

    public void Dispose() => _certificate.Dispose();

    private void Write(string directory, string role, X509Certificate2 certificate)
    {
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "ca-cert.pem"), Pem);
        File.WriteAllText(Path.Combine(directory, $"{role}-cert.pem"), certificate.ExportCertificatePem() + "\n");
        using ECDsa key = certificate.GetECDsaPrivateKey()!;
        File.WriteAllText(Path.Combine(directory, $"{role}-key.pem"), key.ExportPkcs8PrivateKeyPem() + "\n");
    }
}
