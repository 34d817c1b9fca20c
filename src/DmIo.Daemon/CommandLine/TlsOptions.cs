using System.CommandLine;
using DmIo.Daemon.Configuration;
using DmIo.Nbd;

namespace DmIo.Daemon.CommandLine;

/// <summary>The options of serve that say how it speaks TLS; they win over what a file says.</summary>
internal sealed class TlsOptions
{
    public Option<string> Mode { get; } = ServeOptions.Text(
        "--tls", "MODE",
        "off, require, or exports: only those that a file or 'export add' marks [default: require with certificates, or off]");

    public Option<string> Certificates { get; } = ServeOptions.Text(
        "--tls-certificates", "DIR", $"The directory with {NbdTls.CertificateFile}, {NbdTls.KeyFile} and {NbdTls.AuthorityFile}");

    public Option<bool> VerifyPeer { get; } = ServeOptions.Flag(
        "--tls-verify-peer", $"Serve only clients with a certificate that {NbdTls.AuthorityFile} vouches for");

    public Option<string[]> Allow { get; } = ServeOptions.Texts(
        "--tls-allow", "NAME",
        "Serve only clients whose certificate bears this common or DNS name, or another that is given so");

    public IReadOnlyList<Option> All => [Mode, Certificates, VerifyPeer, Allow];

    /// <summary>What a file has said, or nothing has, changed by the options that were given.</summary>
    public TlsConfiguration Override(TlsConfiguration tls, ParseResult parsed, Mistakes mistakes)
    {
        if (!All.Any(o => parsed.GetResult(o) is { Implicit: false }))
            return tls;
        string? directory = parsed.GetValue(Certificates);
        bool isNew = tls.Certificates is null;
        return tls with
        {
            Place = directory is null ? Mode.Name : Certificates.Name,
            Mode = parsed.GetValue(Mode) is { } word ? Words.Tls(Mode.Name, word, mistakes)
                : isNew ? TlsMode.Require : tls.Mode,
            Certificates = directory is null ? tls.Certificates : Path.GetFullPath(directory),
            VerifyPeer = tls.VerifyPeer || parsed.GetValue(VerifyPeer),
            Allow = parsed.GetValue(Allow) is { Length: > 0 } names ? names : tls.Allow,
        };
    }
}
