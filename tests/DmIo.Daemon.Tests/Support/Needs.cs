using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>
/// What some tests need of the machine; those that cannot have it are told as skipped, with the reason.
/// </summary>
public static class Needs
{
    public static void Root(string reason)
    {
        if (!Environment.IsPrivilegedProcess)
            Assert.Ignore($"Needs root: {reason}.");
    }

    /// <summary>Root alone is not enough: containers may forbid it.</summary>
    public static void Namespaces()
    {
        ToolResult trial = Tool.Run("unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "true");
        if (trial.ExitCode != 0)
            Assert.Ignore($"Needs mount, network and process namespaces: {trial.Error.Trim()}.");
    }
}
