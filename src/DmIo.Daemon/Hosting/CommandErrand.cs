using System.ComponentModel;
using System.Diagnostics;
using DmIo.Daemon.CommandLine;
using DmIo.Daemon.Configuration;

namespace DmIo.Daemon.Hosting;

/// <summary>
/// A shell command that is served over a Unix socket of its own, in a directory that lasts as long as the command. Standard
/// input, output and error are the command's.
/// </summary>
internal sealed class CommandErrand : IErrand
{
    private const string Shell = "/bin/sh";

    // Ctrl-C reaches every process of the terminal's foreground; a second signal would make some of them end without care.
    private static readonly TimeSpan s_byItself = TimeSpan.FromSeconds(2);

    // To flush what it holds and disconnect, while it is still served.
    private static readonly TimeSpan s_afterSignal = TimeSpan.FromSeconds(3);

    /// <summary>The most that <see cref="EndAsync"/> waits.</summary>
    public static readonly TimeSpan EndBound = s_byItself + s_afterSignal;

    private readonly string _command;
    private readonly string _directory;
    private Process? _process;

    /// <summary>Makes the directory.</summary>
    /// <exception cref="StartException">There is no place for it.</exception>
    public CommandErrand(string command)
    {
        _command = command;
        _directory = MakeDirectory();
    }

    public string Option => "--run";

    private string Socket => Path.Combine(_directory, "nbd.sock");

    public CheckedConfiguration Prepare(CheckedConfiguration configuration) => configuration with
    {
        Source = configuration.Source with { Listeners = [new(Option, Socket, null)] },
    };

    public async Task<int> RunAsync(RunningVolumes volumes)
    {
        // Those that are hidden are there for whoever knows their names.
        string name = volumes.Server.DefaultExport?.Name ?? volumes.Exports[0].Name;
        bool tls = volumes.Exports.Any(e => e.Name == name && e.Tls);
        var start = new ProcessStartInfo(Shell, ["-c", _command]) { UseShellExecute = false };
        start.Environment["uri"] = Announcement.UriOf(name, volumes.Endpoints[0], tls);
        start.Environment["unixsocket"] = Socket;
        start.Environment["exportname"] = name;
        try
        {
            _process = Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new StartException(
                ExitCode.Failure, $"{Option}: {Shell} cannot be started ({e.Message}); commands need a shell there, such as dash or bash");
        }
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
        try
        {
            Directory.Delete(_directory, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Somebody else has cleaned up, or it stays behind: how the command has ended matters more.
        }
    }

    private string MakeDirectory()
    {
        string parent = Path.GetTempPath();
        try
        {
            return Directory.CreateTempSubdirectory("dmio-nbd-").FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartException(
                ExitCode.Failure,
                $"{Option}: no directory for the command's socket can be made in {parent} ({e.Message}); set TMPDIR to a "
                + "directory that may be written");
        }
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
