using DmIo.Testing;

namespace DmIo.SideBySide.Servers;

/// <summary>Servers that are spoken to in TLS, each with certificates of its own.</summary>
internal static class TlsForms
{
    public static ServerForm Ours(string program, string? backend) => Encrypted(Servers.Ours.Linear(program, backend), []);

    public static ServerForm Nbdkit(string program) =>
        Encrypted(Peers.All.First(p => p.Name == "nbdkit") with { Program = program }, ["--tls=require"]);

    private static ServerForm Encrypted(ServerForm form, string[] more) => form with
    {
        Tls = true,
        Arguments = l => With(form.Arguments(l), l.Certificates, more),
    };

    // nbdkit wants its options before the plugin's name, and ours follow the verb.
    private static IEnumerable<string> With(IEnumerable<string> plain, string directory, string[] more)
    {
        using TestAuthority authority = new();
        authority.WriteServer(directory);
        string[] arguments = [.. plain];
        return [arguments[0], $"--tls-certificates={directory}", .. more, .. arguments[1..]];
    }
}
