using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>A leg is missing at the start and appears while the volume is served.</summary>
public sealed class MissingLegTests
{
    private const int LegBytes = 64 << 20;

    // Goal: the leg itself is taken up without being told, and what was written without it is copied, nothing else.
    [Test]
    public void The_leg_itself_is_taken_up([Values(0, 1)] int leg, [Values] bool log)
    {
        using var volume = new Volume();
        string[] more = log ? ["--log", volume.Scratch["log.img"]] : [];
        string away = ServeWithout(volume, leg, more);
        using DaemonProcess daemon = DaemonProcess.Serve([.. volume.Arguments, .. more, "--degraded"]);
        Write(volume, 8 << 20);
        File.Move(away, volume.Legs[leg]);
        daemon.WaitForLog($"vol0: {volume.Legs[leg]} is there again");
        Assert.That(daemon.Log, Does.Contain($"vol0: leg {leg} {volume.Legs[leg]} lacks 1 regions"));
        daemon.WaitForLog($"vol0: leg {leg} {volume.Legs[leg]} is in sync");
        Write(volume, 16 << 20);
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        volume.CompareLegs();
    }

    // Goal: another file under its name is not written to because it is there, is told once, and is taken when somebody
    // says so.
    [Test]
    public void Another_file_in_its_place_is_left_alone([Values(0, 1)] int leg, [Values] bool log)
    {
        using var volume = new Volume();
        string[] more = log ? ["--log", volume.Scratch["log.img"]] : [];
        ServeWithout(volume, leg, more);
        using DaemonProcess daemon = DaemonProcess.Serve([.. volume.Arguments, .. more, "--degraded"]);
        byte[] precious = new byte[LegBytes];
        new Random(1).NextBytes(precious);
        File.WriteAllBytes(volume.Scratch["precious"], precious);
        File.Move(volume.Scratch["precious"], volume.Legs[leg]);
        daemon.WaitForLog($"{volume.Legs[leg]} is not the leg that the mirror knew under this name");
        Write(volume, 8 << 20);
        Assert.That(File.ReadAllBytes(volume.Legs[leg]).AsSpan().SequenceEqual(precious), "it was written to");
        Assert.That(daemon.LogLines.Count(line => line.Contains("is not the leg that", StringComparison.Ordinal)), Is.EqualTo(1));

        ControlTool.Run(volume.Control, "leg", "replace", "vol0", $"{leg}", volume.Legs[leg]).MustSucceed();
        daemon.WaitForLog($"vol0: leg {leg} {volume.Legs[leg]} is in sync");
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        volume.CompareLegs();
    }

    private static string ServeWithout(Volume volume, int leg, string[] more)
    {
        DaemonProcess daemon = volume.Serve(more);
        Write(volume, 4 << 20);
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        string away = volume.Scratch["away.img"];
        File.Move(volume.Legs[leg], away);
        return away;
    }

    private static void Write(Volume volume, int offset)
    {
        byte[] data = new byte[4096];
        new Random(offset).NextBytes(data);
        using NbdClient client = NbdClient.Connect(volume.Socket);
        Assert.That(client.WriteAt(offset, data), Is.Zero);
        Assert.That(client.ReadAt(offset, data.Length, out byte[] back), Is.Zero);
        Assert.That(back, Is.EqualTo(data));
    }
}
