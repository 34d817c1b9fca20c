namespace DmIo.Daemon.CommandLine;

/// <summary>What the program's exit status says.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>
    /// What was asked for is right and could not be had: a port in use, a leg that another process holds.
    /// </summary>
    public const int Failure = 1;

    /// <summary>What was asked for must be changed; nothing was made or touched.</summary>
    public const int Usage = 2;
}
