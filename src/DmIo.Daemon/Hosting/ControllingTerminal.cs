namespace DmIo.Daemon.Hosting;

/// <summary>The terminal that the process was started from.</summary>
internal static class ControllingTerminal
{
    /// <summary>
    /// Whether there is one. The kernel takes it away from all its processes when it is closed, before it tells them.
    /// </summary>
    public static bool Exists() => ProcessStat.Read(Environment.ProcessId).Terminal != 0;
}
