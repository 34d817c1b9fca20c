namespace DmIo.Daemon.Tests;

/// <summary>A file system in memory that runs full soon. Needs root.</summary>
public sealed class SmallMount : IDisposable
{
    private readonly Scratch _scratch = new();

    public SmallMount(string size)
    {
        Tool.Run("mount", "-t", "tmpfs", "-o", $"size={size}", "dmio-nbd-test", _scratch.Directory).MustSucceed();
    }

    public string Directory => _scratch.Directory;

    public string this[string name] => _scratch[name];

    /// <summary>Makes room.</summary>
    public void Resize(string size) =>
        Tool.Run("mount", "-o", $"remount,size={size}", _scratch.Directory).MustSucceed();

    public void Dispose()
    {
        // A killed daemon may still hold files there for a moment.
        Deadline.WaitFor(() => Tool.Run("umount", _scratch.Directory).ExitCode == 0, "umount");
        _scratch.Dispose();
    }
}
