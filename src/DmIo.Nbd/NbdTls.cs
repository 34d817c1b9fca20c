using DmIo.Nbd.Tls;

namespace DmIo.Nbd;

/// <summary>How a server speaks TLS: 1.2 or newer, with certificates.</summary>
public sealed record NbdTls
{
    /// <summary>The certificate of the authority that clients' certificates are checked against (PEM; may be several).</summary>
    public const string AuthorityFile = "ca-cert.pem";

    /// <summary>Serial numbers of clients' certificates that are no longer good (PEM; need not be there).</summary>
    public const string RevokedFile = "ca-crl.pem";

    /// <summary>The server's certificate, and behind it those between it and its authority (PEM).</summary>
    public const string CertificateFile = "server-cert.pem";

    /// <summary>The server's private key (PEM, not encrypted).</summary>
    public const string KeyFile = "server-key.pem";

    /// <summary>
    /// The directory of the files. They are looked at whenever a client asks for TLS, and read again when they have
    /// changed; as long as the new ones are of no use, the old ones are.
    /// </summary>
    public required string Directory { get; init; }

    /// <summary>
    /// Whether clients get nothing without TLS; otherwise only exports that ask for it (<see cref="NbdExport.RequiresTls"/>)
    /// are kept from those without.
    /// </summary>
    public bool IsRequired { get; init; } = true;

    /// <summary>
    /// Whether clients need a certificate that an authority of <see cref="AuthorityFile"/> has signed.
    /// </summary>
    public bool VerifyPeer { get; init; }

    /// <summary>
    /// If not empty, a client's certificate must bear one of these names: as a DNS name among its subject alternative
    /// names (without regard to case), or as the one common name of its subject (to the letter). There are no wildcards.
    /// Only with <see cref="VerifyPeer"/>.
    /// </summary>
    public IReadOnlyList<string> AllowedPeers { get; init; } = [];

    /// <summary>What keeps these files from being used, and what to do about it; null when they can be.</summary>
    public string? FindMistake()
    {
        try
        {
            _ = TlsFiles.Load(this);
            return null;
        }
        catch (TlsException e)
        {
            return e.Message;
        }
    }
}
