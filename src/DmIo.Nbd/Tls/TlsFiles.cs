using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace DmIo.Nbd.Tls;

/// <summary>Reads a directory of certificates and keys as nbdkit and qemu have it.</summary>
internal static class TlsFiles
{
    /// <exception cref="TlsException">
    /// Something is missing or of no use: the message names the file and what to do.
    /// </exception>
    public static TlsIdentity Load(NbdTls source)
    {
        if (!Directory.Exists(source.Directory))
            throw new TlsException($"{source.Directory}: there is no such directory; make it, or name another");
        X509Certificate2Collection chain = Certificates(PathOf(source, NbdTls.CertificateFile));
        X509Certificate2 certificate = WithKey(source, chain[0]);
        chain.RemoveAt(0);
        return new TlsIdentity(
            SslStreamCertificateContext.Create(certificate, chain, offline: true),
            source.VerifyPeer ? Certificates(PathOf(source, NbdTls.AuthorityFile)) : null,
            source.VerifyPeer ? Revoked(PathOf(source, NbdTls.RevokedFile)) : null);
    }

    public static string PathOf(NbdTls source, string file) => Path.Combine(source.Directory, file);

    private static X509Certificate2Collection Certificates(string path)
    {
        string text = Read(path);
        var all = new X509Certificate2Collection();
        try
        {
            all.ImportFromPem(text);
        }
        catch (CryptographicException e)
        {
            throw new TlsException($"{path}: holds a certificate that cannot be read ({TlsFailure.Describe(e)}); make it anew");
        }
        return all.Count > 0 ? all
            : throw new TlsException($"{path}: holds no certificate in PEM (-----BEGIN CERTIFICATE-----); put one there");
    }

    private static X509Certificate2 WithKey(NbdTls source, X509Certificate2 certificate)
    {
        string path = PathOf(source, NbdTls.KeyFile);
        string text = Read(path);
        if (text.Contains("ENCRYPTED", StringComparison.Ordinal))
            throw new TlsException($"{path}: is encrypted, and nobody is asked for passwords; store it without one");
        try
        {
            return X509Certificate2.CreateFromPem(certificate.ExportCertificatePem(), text);
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            // Both say the same to people: what is there is no key of this certificate.
            throw new TlsException(
                $"{path}: is no private key of {NbdTls.CertificateFile} beside it ({TlsFailure.Describe(e)}); "
                + "take the key that the certificate was made for");
        }
    }

    private static string? Revoked(string path)
    {
        if (!Path.Exists(path))
            return null;
        string text = Read(path);
        try
        {
            _ = CertificateRevocationListBuilder.LoadPem(text, out _);
            return text;
        }
        catch (CryptographicException e)
        {
            throw new TlsException(
                $"{path}: holds no list of revoked certificates in PEM ({TlsFailure.Describe(e)}); make it anew, or remove it");
        }
    }

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new TlsException($"{path}: does not exist; put it there, or name the directory that has it");
        }
        catch (UnauthorizedAccessException)
        {
            throw new TlsException($"{path}: may not be read by this user; let it, or run as a user who may");
        }
        catch (IOException e)
        {
            throw new TlsException($"{path}: cannot be read ({e.Message}); see to it");
        }
    }
}
