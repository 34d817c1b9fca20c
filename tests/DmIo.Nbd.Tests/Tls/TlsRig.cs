using DmIo.Testing;

namespace DmIo.Nbd.Tests;

/// <summary>A server that speaks TLS, with certificates that were made for it.</summary>
internal sealed class TlsRig : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("dmio-tls-");

    public TlsRig(
        bool isRequired = true, bool verifyPeer = false, string[]? allowed = null, NbdLimits? limits = null,
        bool overTcp = false, int sizeBytes = TestServer.DefaultBytes)
    {
        Authority.WriteServer(PathOf("certificates"));
        Settings = new NbdTls
        {
            Directory = PathOf("certificates"),
            IsRequired = isRequired,
            VerifyPeer = verifyPeer,
            AllowedPeers = allowed ?? [],
        };
        Server = new TestServer(limits, sizeBytes, overTcp: overTcp, tls: Settings);
    }

    public TestAuthority Authority { get; } = new();

    public NbdTls Settings { get; }

    public TestServer Server { get; }

    public string PathOf(string name) => Path.Combine(_directory.FullName, name);

    public string Certificate(string file) => Path.Combine(Settings.Directory, file);

    /// <summary>A client that has greeted.</summary>
    public NbdProbe Greet()
    {
        NbdProbe probe = Server.Connect();
        probe.Greet();
        return probe;
    }

    /// <summary>A client that is served in TLS.</summary>
    public NbdProbe Go(string export = "vol0") => Greet().StartTls().GoOn(export);

    public void Dispose()
    {
        Server.Dispose();
        Authority.Dispose();
        _directory.Delete(recursive: true);
    }
}
