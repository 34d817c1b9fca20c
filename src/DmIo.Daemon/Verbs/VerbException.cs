namespace DmIo.Daemon.Verbs;

/// <summary>A verb cannot do what it was asked to; the message is for people, a sentence a line.</summary>
internal sealed class VerbException(int exitCode, string message) : Exception(message)
{
    /// <summary>The process's exit status.</summary>
    public int ExitCode => exitCode;
}
