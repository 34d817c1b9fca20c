using System.Globalization;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace DmIo.Daemon.Tests.Systemd;

/// <summary>The units, as systemd's own tools see them.</summary>
public sealed partial class UnitTests
{
    private static readonly string s_units = Path.Combine(BuiltProgram.Repository, "src/DmIo.Daemon/systemd");

    // Goal: systemd understands the units, and they fit each other.
    [Test]
    public void Systemd_takes_the_units()
    {
        using var scratch = new Scratch();
        scratch.Write("dmio-nbd.json", "{}");
        string[] copies = [];
        foreach (string unit in Directory.GetFiles(s_units).Where(u => Path.HasExtension(u)))
        {
            // The programs are not where packages put them.
            string text = File.ReadAllText(unit)
                .Replace("/usr/lib/dmio-nbd/dmio-nbd", BuiltProgram.Path, StringComparison.Ordinal)
                .Replace("/usr/lib/dmio-nbd/nbd-keep", Path.Combine(s_units, "nbd-keep"), StringComparison.Ordinal);
            // Of a template an instance is looked at.
            string copy = scratch.Write(Path.GetFileName(unit), text);
            copies = [.. copies, copy.Replace("@.", "@nbd0.", StringComparison.Ordinal)];
        }
        Assert.That(copies.Select(Path.GetFileName), Is.EquivalentTo(
            (string[])["dmio-nbd.service", "dmio-nbd.socket", "dmio-nbd@nbd0.service", "nbd-keep@nbd0.service"]));
        ToolResult verified = Tool.Run("systemd-analyze", ["verify", "--man=no", .. copies]);
        Assert.That(verified.Output + verified.Error, Is.Empty);
        Assert.That(verified.ExitCode, Is.Zero);
    }

    // Goal: whoever takes over the daemon by its network side finds little on the host; that it stays so.
    [TestCase("dmio-nbd.service")]
    [TestCase("dmio-nbd@.service")]
    public void The_daemon_may_do_little_else(string unit)
    {
        using var scratch = new Scratch();
        string copy = scratch.Write(unit.Replace("@.", "@x.", StringComparison.Ordinal), File.ReadAllText(Path.Combine(s_units, unit)));
        ToolResult result = Tool.Run("systemd-analyze", "security", "--offline=true", "--no-pager", copy).MustSucceed();
        Match score = Score().Match(result.Output);
        Assert.That(score.Success, result.Output);
        Assert.That(decimal.Parse(score.Groups[1].Value, CultureInfo.InvariantCulture), Is.AtMost(2.0m), result.Output);
    }

    // Goal: the template does what the single unit does, with names of its own.
    [Test]
    public void An_instance_is_confined_like_the_single_daemon()
    {
        string[] single = Settings("dmio-nbd.service");
        string[] instance =
        [
            .. Settings("dmio-nbd@.service").Select(l => l
                .Replace("dmio-nbd-%i", "dmio-nbd", StringComparison.Ordinal)
                .Replace("Directory=dmio-nbd/%i", "Directory=dmio-nbd", StringComparison.Ordinal)
                .Replace("%i.json", "dmio-nbd.json", StringComparison.Ordinal)
                .Replace(": %i", "", StringComparison.Ordinal)),
        ];
        Assert.That(instance, Is.EqualTo(single));
    }

    private static string[] Settings(string unit) =>
        [.. File.ReadLines(Path.Combine(s_units, unit)).Where(l => !l.StartsWith('#'))];

    [GeneratedRegex(@"exposure level for \S+: ([0-9.]+)")]
    private static partial Regex Score();
}
