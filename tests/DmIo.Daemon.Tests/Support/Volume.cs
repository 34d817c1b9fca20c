namespace DmIo.Daemon.Tests;

/// <summary>
/// A mirror of two files with a Unix socket, in a directory of its own, and the daemons that serve it.
/// </summary>
public sealed class Volume : IDisposable
{
    private readonly List<DaemonProcess> _daemons = [];

    public Volume(string size = "64M")
    {
        Size = size;
        Legs = [Scratch["leg0.img"], Scratch["leg1.img"]];
    }

    public Scratch Scratch { get; } = new();

    public string Size { get; }

    public string[] Legs { get; init; }

    public string Socket => Scratch["nbd.sock"];

    public string Uri => $"nbd+unix:///vol0?socket={Socket}";

    /// <summary>The socket by which its daemon is controlled.</summary>
    public string Control => Scratch["control.sock"];

    /// <summary>The arguments that describe the mirror, without --create.</summary>
    public string[] Arguments =>
        ["--mirror", .. Legs, "--size", Size, "--unix", Socket, "--state-dir", Scratch["state"], "--control", Control];

    /// <summary>The arguments that describe the mirror and no address, for daemons that are reached in another way.</summary>
    public string[] ServedWithoutAddress(params string[] more) =>
    [
        "--mirror", .. Legs, "--size", Size, "--state-dir", Scratch["state"], "--control", Control, .. more,
    ];

    /// <summary>Starts a daemon on the mirror, whose legs are made if they are not there.</summary>
    public DaemonProcess Serve(params string[] more)
    {
        DaemonProcess daemon = DaemonProcess.Serve([.. Arguments, "--create", .. more]);
        _daemons.Add(daemon);
        return daemon;
    }

    /// <summary>Fails the test unless the legs have the same bytes.</summary>
    public void CompareLegs() => Tool.Compare(Legs[0], Legs[1]);

    public void Dispose()
    {
        foreach (DaemonProcess daemon in _daemons)
            daemon.Dispose();
        Scratch.Dispose();
    }
}
