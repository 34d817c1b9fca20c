using System.Text.RegularExpressions;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>nbd-client's negotiation, without a kernel behind it (tests/vm has that).</summary>
public sealed class NbdClientTests
{
    // Goal: -l lists what there is, over both kinds of socket.
    [Test]
    public void The_list_is_printed()
    {
        using var volume = new Volume("4M");
        DaemonProcess daemon = volume.Serve("--listen", "127.0.0.1:0");
        string port = Regex.Match(daemon.Output, @"nbd://127\.0\.0\.1:(\d+)/").Groups[1].Value;
        foreach (string[] where in (string[][])[["127.0.0.1", port], ["-unix", volume.Socket]])
            Assert.That(Tool.Run("nbd-client", ["-l", .. where]).MustSucceed().Output, Does.Contain("vol0"));
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
    }

    // Goal: GO without information requests, and EXPORT_NAME (-g), choose the export; what fails is the kernel's part, on a
    // device that is none.
    [TestCase("-name", "vol0", "-unix")]
    [TestCase("-name", "vol0", "-g", "-unix")]
    [TestCase("-name", "vol0", "-b", "4096", "-unix")]
    public void The_handshake_ends_with_the_export(params string[] options)
    {
        using var volume = new Volume("4M");
        DaemonProcess daemon = volume.Serve();
        Tool.Run("nbd-client", [.. options, volume.Socket, "/dev/null"]);
        daemon.WaitForLog("serving export");
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
    }
}
