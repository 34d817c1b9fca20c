using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>How a program ended and what it said.</summary>
public sealed record ToolResult(string Command, int ExitCode, string Output, string Error)
{
    /// <summary>Fails the test with everything the program said, unless it exited with 0.</summary>
    public ToolResult MustSucceed()
    {
        Assert.That(ExitCode, Is.Zero, $"{Command}\n{Output}\n{Error}");
        return this;
    }
}
