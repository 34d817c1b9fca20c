namespace DmIo.Daemon.Tests;

/// <summary>
/// A daemon with a mirror, <c>vol0</c>, whose second leg fails from its sector 65536 on, as the README has it.
/// </summary>
public sealed class ShakyVolume : IDisposable
{
    private const long LegBytes = 64 << 20;

    public ShakyVolume()
    {
        Scratch.Sparse("d.img", LegBytes);
        Scratch.Sparse("e.img", LegBytes);
        string file = Scratch.Write("demo.json", """
            {
              "stateDirectory": "state", "control": "control.sock",
              "listeners": [ { "unix": "nbd.sock" } ],
              "devices": {
                "shaky": { "table": [ "0 65536 linear e.img 0", "65536 65536 error" ] },
                "vol0": { "table": "0 131072 mirror core 1 1024 2 d.img 0 dm:shaky 0 1 handle_errors", "assumeClean": true },
              },
              "exports": [ { "name": "vol0" } ],
            }
            """);
        Daemon = DaemonProcess.Serve("--config", file);
    }

    public Scratch Scratch { get; } = new();

    public DaemonProcess Daemon { get; }

    public string Socket => Scratch["nbd.sock"];

    public string Control => Scratch["control.sock"];

    /// <summary>Runs a verb to its end.</summary>
    public ToolResult Run(params string[] verb) => ControlTool.Run(Control, verb);

    /// <summary>The lines that a verb prints.</summary>
    public string[] Lines(params string[] verb) => ControlTool.Lines(Control, verb);

    /// <summary>Writes where the second leg fails: it leaves the set.</summary>
    public void LoseLeg()
    {
        using NbdClient client = NbdClient.Connect(Socket);
        if (client.WriteAt(40 << 20, new byte[512]) != 0)
            throw new InvalidOperationException(Daemon.Log);
    }

    public void Dispose()
    {
        Daemon.Dispose();
        Scratch.Dispose();
    }
}
