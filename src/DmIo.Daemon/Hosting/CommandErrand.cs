using System.Diagnostics;
using DmIo.Daemon.Configuration;

namespace DmIo.Daemon.Hosting;

/// <summary>
/// A shell command that is served over a Unix socket of its own, in a directory that lasts as long as the command. Standard
/// input, output and error are the command's.
/// </summary>
internal sealed class CommandErrand(string command) : IErrand
{
    // Ctrl-C reaches every process of the terminal's foreground; a second signal would make some of them end without care.
    private static readonly TimeSpan s_byItself = TimeSpan.FromSeconds(2);

    // To flush what it holds and disconnect, while it is still served.
    private static readonly TimeSpan s_afterSignal = TimeSpan.FromSeconds(3);

    /// <summary>The most that <see cref="EndAsync"/> waits.</summary>
    public static readonly TimeSpan EndBound = s_byItself + s_afterSignal;

    private readonly string _directory = Directory.CreateTempSubdirectory("dmio-nbd-").FullName;
    private Process? _process;

    private string Socket => Path.Combine(_directory, "nbd.sock");

    public CheckedConfiguration Prepare(CheckedConfiguration configuration) => configuration with
    {
        Source = configuration.Source with { Listeners = [new("--run", Socket, null)] },
    };

    public async Task<int> RunAsync(RunningVolumes volumes)
    {
        string name = volumes.Server.DefaultExport!.Name;
        bool tls = volumes.Exports.Any(e => e.Name == name && e.Tls);
        var start = new ProcessStartInfo("/bin/sh", ["-c", command]) { UseShellExecute = false };
        start.Environment["uri"] = Announcement.UriOf(name, volumes.Endpoints[0], tls);
        start.Environment["unixsocket"] = Socket;
        start.Environment["exportname"] = name;
        _process = Process.Start(start)!;
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    public async Task EndAsync()
    {
        if (_process is null || _process.HasExited)
            return;
        if (ProcessTree.IsOfForeground(Environment.ProcessId) && await EndsWithinAsync(_process, s_byItself))
            return;
        ProcessTree.Signal(_process.Id, Linux.LinuxConstants.SIGTERM);
        await EndsWithinAsync(_process, s_afterSignal);
    }

    public void Kill()
    {
        if (_process is { HasExited: false } process)
            ProcessTree.Signal(process.Id, Linux.LinuxConstants.SIGKILL);
    }

    public void Dispose()
    {
        _process?.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static async Task<bool> EndsWithinAsync(Process process, TimeSpan bound)
    {
        try
        {
            await process.WaitForExitAsync().WaitAsync(bound, TimeProvider.System);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }
}
