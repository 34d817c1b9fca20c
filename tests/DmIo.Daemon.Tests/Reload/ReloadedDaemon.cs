namespace DmIo.Daemon.Tests;

/// <summary>A daemon with a configuration file that is written anew and read again.</summary>
public sealed class ReloadedDaemon : IDisposable
{
    private const string File = "dmio-nbd.json";

    /// <param name="exports">The text of the file's exports; sees the devices a, b and c, of 1 MiB each.</param>
    /// <param name="more">Other properties, each with a comma behind it.</param>
    /// <param name="devices">The text of the file's devices; a and b if not said.</param>
    /// <param name="launch">How to start the program; null for the usual way.</param>
    public ReloadedDaemon(
        string exports, string more = "", string devices = A + B, Func<string, DaemonProcess>? launch = null)
    {
        foreach (string file in (string[])["a.img", "b.img", "c.img"])
            Scratch.Sparse(file, 1 << 20);
        Write(exports, more, devices);
        Daemon = launch is null ? DaemonProcess.Serve("--config", Scratch[File]) : launch(Scratch[File]);
    }

    public const string A = """ "a": { "table": "0 2048 linear a.img 0" },""";
    public const string B = """ "b": { "table": "0 2048 linear b.img 0" },""";
    public const string C = """ "c": { "table": "0 2048 linear c.img 0" },""";

    public Scratch Scratch { get; } = new();

    public DaemonProcess Daemon { get; }

    public string Socket => Scratch["nbd.sock"];

    public string Path => Scratch[File];

    public void Write(string exports, string more = "", string devices = A + B, string listener = "nbd.sock") =>
        Scratch.Write(File, $$"""
            {
              "listeners": [ { "unix": "{{listener}}" } ], "control": "control.sock", "stateDirectory": "state",
              {{more}}
              "devices": { {{devices}} },
              "exports": [ {{exports}} ],
            }
            """);

    /// <summary>SIGHUP, and what the daemon says of it.</summary>
    public string[] Reload(bool isRefused = false)
    {
        int from = Daemon.Log.Length;
        string end = isRefused ? "was read again and has mistakes" : $"read {Path} again: ";
        Daemon.Signal("HUP");
        Deadline.WaitFor(() => Daemon.HasExited || Daemon.Log[from..].Contains(end, StringComparison.Ordinal), end);
        return Daemon.Log[from..].Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    public ToolResult Run(params string[] verb) => ControlTool.Run(Scratch["control.sock"], verb);

    public string[] Lines(params string[] verb) => ControlTool.Lines(Scratch["control.sock"], verb);

    /// <summary>The exports that clients are told of.</summary>
    public string[] Listed() =>
    [
        .. Tool.Run("nbdinfo", "--list", "--json", $"nbd+unix://?socket={Socket}").MustSucceed().Output.Split('\n')
            .Where(l => l.Contains("\"export-name\"", StringComparison.Ordinal)).Select(l => l.Split('"')[3]),
    ];

    public void Dispose()
    {
        Daemon.Dispose();
        Scratch.Dispose();
    }
}
