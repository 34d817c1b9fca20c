using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace DmIo.Nbd.Tls;

/// <summary>Looks at one client's certificate, and remembers what it found.</summary>
internal sealed class TlsPeer(IReadOnlyList<string> allowed)
{
    /// <summary>Why the client was not let in; null when it was, or was not looked at.</summary>
    public string? Refusal { get; private set; }

    /// <summary>The name that it goes by, made printable.</summary>
    public string? Name { get; private set; }

    /// <returns>Whether the client may come in.</returns>
    public bool Check(X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors, TlsIdentity identity)
    {
        Refusal = Find(certificate, chain, errors, identity);
        return Refusal is null;
    }

    private string? Find(X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors, TlsIdentity identity)
    {
        if (certificate is null)
            return "the client showed no certificate";
        string[] names = [.. PeerNames.Of(certificate)];
        Name = names is [{ } first, ..] ? Printable.Bare(first) : "(no name)";
        if (errors != SslPolicyErrors.None)
        {
            IEnumerable<X509ChainStatusFlags> flags = chain?.ChainStatus.Select(s => s.Status) ?? [];
            return $"the client's certificate, {Name}, cannot be trusted: {string.Join(", ", flags)}";
        }
        if (identity.IsRevoked(certificate))
            return $"the client's certificate, {Name}, is among those of {NbdTls.RevokedFile}";
        if (allowed.Count == 0)
            return null;
        if (PeerNames.Allowed(certificate, allowed) is not { } name)
            return $"none of the names in the client's certificate is allowed: {string.Join(", ", names.Select(Printable.Name))}";
        Name = Printable.Bare(name);
        return null;
    }
}
