using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>
/// What some tests need of the machine: without it they fail and say how to get it. A test that does not run shows nothing.
/// </summary>
public static class Needs
{
    public static void Root(string reason)
    {
        if (!Environment.IsPrivilegedProcess)
            Assert.Fail($"This test {reason}, which needs root: run the tests as root.");
    }

    /// <summary>Root alone is not enough: containers may forbid it.</summary>
    public static void Namespaces()
    {
        ToolResult trial = Tool.Run("unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "true");
        if (trial.ExitCode != 0)
            Assert.Fail(
                "This test needs mount, network and process namespaces of its own: run the tests as root, outside a container "
                + $"that forbids them ({trial.Error.Trim()}).");
    }
}
