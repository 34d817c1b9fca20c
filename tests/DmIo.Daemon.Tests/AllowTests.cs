using System.Text.RegularExpressions;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>Who may connect, as users say it.</summary>
public sealed class AllowTests
{
    // Goal: the loopback address is let in when it is named, and not otherwise; the Unix socket is another matter.
    [TestCase("192.0.2.0/24", false)]
    [TestCase("127.0.0.1", true)]
    [TestCase("::ffff:127.0.0.0/104", true)]
    public void Addresses_decide_over_tcp(string network, bool isAllowed)
    {
        using var volume = new Volume();
        DaemonProcess daemon = volume.Serve("--listen", "127.0.0.1:0", "--allow-address", "198.51.100.0/24", "--allow-address", network);
        string uri = Regex.Match(daemon.Output, @"nbd://\S+").Value;
        Assert.That(Tool.Run("nbdinfo", "--size", uri).ExitCode == 0, Is.EqualTo(isAllowed));
        Tool.Run("nbdinfo", "--size", volume.Uri).MustSucceed();
        if (!isAllowed)
            Assert.That(daemon.Log, Does.Match(@"WRN 127\.0\.0\.1:\d+: refused, it is not among those who are allowed"));
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
    }

    // Goal: users by name or number; a refusal names the user and the process.
    [Test]
    public void Users_decide_over_unix_sockets()
    {
        using var volume = new Volume();
        DaemonProcess daemon = volume.Serve("--allow-uid", "nobody", "--allow-uid", "4294967294");
        Assert.That(Tool.Run("nbdinfo", "--size", volume.Uri).ExitCode, Is.Not.Zero);
        daemon.WaitForLog("refused, it is not among those who are allowed");
        string id = Tool.Run("id", "-u").MustSucceed().Output.Trim();
        Assert.That(daemon.Log, Does.Match($@"WRN unix:pid=\d+,uid={id}: refused"));
        Assert.That(ControlTool.Curl(volume.Control, "/v1/daemon").Body, Does.Contain("\"notAllowed\":1"));
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        string name = Tool.Run("id", "-un").MustSucceed().Output.Trim();
        daemon = volume.Serve("--allow-uid", "nobody", "--allow-uid", name);
        Tool.Run("nbdinfo", "--size", volume.Uri).MustSucceed();
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
    }
}
