using DmIo.Nbd;

namespace DmIo.Daemon.Configuration;

/// <summary>How the daemon speaks TLS, as it was told.</summary>
internal sealed record TlsConfiguration
{
    /// <summary>Where the configuration says so.</summary>
    public string Place { get; init; } = "--tls";

    /// <summary>The mode; require when only certificates were named.</summary>
    public TlsMode Mode { get; init; }

    /// <summary>Absolute path of the directory with certificates; null when none was named.</summary>
    public string? Certificates { get; init; }

    public bool VerifyPeer { get; init; }

    /// <summary>Names that clients' certificates must bear one of.</summary>
    public IReadOnlyList<string> Allow { get; init; } = [];

    /// <summary>What the server is told; null when there is no TLS.</summary>
    public NbdTls? ForServer => Mode == TlsMode.Off || Certificates is null ? null : new NbdTls
    {
        Directory = Certificates,
        IsRequired = Mode == TlsMode.Require,
        VerifyPeer = VerifyPeer || Allow.Count > 0,
        AllowedPeers = Allow,
    };

    /// <summary>Whether an export is to be had with TLS alone.</summary>
    public bool Covers(ExportConfiguration export) =>
        Mode == TlsMode.Require || (Mode == TlsMode.Exports && export.RequireTls);

    /// <summary>Adds what is wrong with it.</summary>
    public void Check(IEnumerable<ExportConfiguration> exports, Mistakes mistakes)
    {
        if (Mode == TlsMode.Off)
        {
            foreach (ExportConfiguration export in exports.Where(e => e.RequireTls))
                mistakes.Add(export.Place, $"'{export.Name}' requires TLS, and there is none; name a directory of certificates for it");
            return;
        }
        if (Certificates is null)
            mistakes.Add(Place, $"TLS needs certificates; name the directory with {NbdTls.CertificateFile} and {NbdTls.KeyFile}");
        else if (ForServer!.FindMistake() is { } mistake)
            mistakes.Add(Place, mistake);
        foreach (string name in Allow.Where(string.IsNullOrWhiteSpace))
            mistakes.Add(Place, $"'{name}' is no name that a certificate bears; leave it out");
    }
}
