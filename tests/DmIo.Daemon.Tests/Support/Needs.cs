using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>What some tests need of the machine; those that cannot have it are told as skipped, with the reason.</summary>
public static class Needs
{
    public static void Root(string reason)
    {
        if (!Environment.IsPrivilegedProcess)
            Assert.Ignore($"Needs root: {reason}.");
    }
}
