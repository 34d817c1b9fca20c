namespace DmIo.Daemon.Hosting;

/// <summary>The daemon could not start; the message is ready for people.</summary>
internal sealed class StartException(int exitCode, string message) : Exception(message)
{
    /// <summary>The status with which the process ends.</summary>
    public int ExitCode { get; } = exitCode;
}
