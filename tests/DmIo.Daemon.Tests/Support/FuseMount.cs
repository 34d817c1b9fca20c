using System.Diagnostics;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>An export as a file, by libnbd's nbdfuse. Needs root and /dev/fuse.</summary>
public sealed class FuseMount : IDisposable
{
    private readonly Scratch _scratch = new();
    private readonly Process _process;

    public FuseMount(string uri, params string[] options)
    {
        Needs.Root("mounts by FUSE");
        if (!File.Exists("/dev/fuse"))
            Assert.Fail("This test mounts by FUSE, and there is no /dev/fuse: load the module (modprobe fuse) or let the container have the device.");
        _process = Process.Start(new ProcessStartInfo("nbdfuse", [.. options, _scratch.Directory, uri]) { RedirectStandardError = true })!;
        try
        {
            Deadline.WaitFor(() => File.Exists(Path) || _process.HasExited, "nbdfuse");
            if (_process.HasExited)
                throw new InvalidOperationException($"nbdfuse ended: {_process.StandardError.ReadToEnd()}");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The file that is the export.</summary>
    public string Path => _scratch["nbd"];

    /// <summary>
    /// Lets calls on the file hang. None may be under way; and who has it open cannot end until <see cref="Thaw"/>.
    /// </summary>
    public void Freeze() => Tool.Run("kill", "-STOP", $"{_process.Id}").MustSucceed();

    /// <summary>Ends that.</summary>
    public void Thaw() => Tool.Run("kill", "-CONT", $"{_process.Id}").MustSucceed();

    /// <summary>Whether a process waits for what is frozen.</summary>
    public static bool IsWaitedForBy(int process) => Directory.GetDirectories($"/proc/{process}/task").Any(
        thread => File.ReadAllText($"{thread}/wchan") == "request_wait_answer");

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Thaw();
            Deadline.WaitFor(() => Tool.Run("umount", _scratch.Directory).ExitCode == 0 || _process.HasExited, "umount");
            if (!_process.WaitForExit(Deadline.Usual))
                _process.Kill();
        }
        _process.Dispose();
        _scratch.Dispose();
    }
}
