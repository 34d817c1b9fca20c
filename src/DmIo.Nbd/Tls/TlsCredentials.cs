using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace DmIo.Nbd.Tls;

/// <summary>A server's certificates as they are now: files that have changed are read again. On the front loop.</summary>
internal sealed class TlsCredentials
{
    private static readonly string[] s_files =
        [NbdTls.AuthorityFile, NbdTls.RevokedFile, NbdTls.CertificateFile, NbdTls.KeyFile];

    private readonly ILogger _logger;
    private readonly FileStamp[] _stamps = new FileStamp[s_files.Length];
    private TlsIdentity _identity;

    /// <exception cref="TlsException">The files cannot be used.</exception>
    public TlsCredentials(NbdTls source, ILogger logger)
    {
        Source = source;
        _logger = logger;
        Stamp();
        _identity = TlsFiles.Load(source);
    }

    public NbdTls Source { get; }

    /// <summary>What a client's handshake is done with.</summary>
    public SslServerAuthenticationOptions OptionsFor(TlsPeer peer)
    {
        Refresh();
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = _identity.Server,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            AllowRenegotiation = false,
            // Connections last; and a client that comes back must be looked at again, by the rules that hold by then.
            AllowTlsResume = false,
            ClientCertificateRequired = Source.VerifyPeer,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        };
        if (_identity.Authorities is { } authorities)
        {
            options.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
            };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
            TlsIdentity identity = _identity;
            options.RemoteCertificateValidationCallback =
                (_, certificate, chain, errors) => peer.Check(certificate as X509Certificate2, chain, errors, identity);
        }
        return options;
    }

    /// <summary>A client has it.</summary>
    public void Began(ServedClient client)
    {
        NbdTlsInfo tls = client.Tls!;
        _logger.TlsBegan(client.Peer, tls.Protocol, tls.Cipher, tls.PeerName ?? "without a certificate");
    }

    private void Refresh()
    {
        if (!Stamp())
            return;
        try
        {
            _identity = TlsFiles.Load(Source);
            _logger.CertificatesChanged(Source.Directory, _identity.Certificate.NotAfter.ToUniversalTime());
        }
        catch (TlsException e)
        {
            // Said once for each change: the stamps are taken.
            _logger.CertificatesUnusable(e.Message);
        }
    }

    /// <returns>Whether a file is another than before.</returns>
    private bool Stamp()
    {
        bool changed = false;
        for (int i = 0; i < s_files.Length; i++)
        {
            var stamp = FileStamp.Of(TlsFiles.PathOf(Source, s_files[i]));
            changed |= stamp != _stamps[i];
            _stamps[i] = stamp;
        }
        return changed;
    }
}
