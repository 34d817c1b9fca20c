using System.Globalization;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>
/// A leg fails: clients see nothing of it, people are told which one, it is not trusted with what it lacks, and when it
/// answers again it comes back by itself.
/// </summary>
public sealed class FailingLegTests
{
    private const int Good = 1 << 20;
    private const int Sectors = 16 << 11;

    private Scratch _scratch = null!;

    [SetUp]
    public void MakeScratch() => _scratch = new Scratch();

    [TearDown]
    public void RemoveScratch() => _scratch.Dispose();

    [TestCase(0, "DA", "0x1")]
    [TestCase(1, "AD", "0x2")]
    public void A_leg_with_an_error_target_leaves_the_set(int broken, string health, string bits)
    {
        string config = WriteConfiguration(broken);
        byte[] data = Pattern(64 << 10);
        using (DaemonProcess daemon = DaemonProcess.Serve("--config", config))
        {
            using (NbdClient client = NbdClient.Connect(_scratch["nbd.sock"]))
            {
                Assert.That(client.WriteAt(0, data), Is.Zero);
                Assert.That(client.WriteAt(Good, data), Is.Zero, "the failing leg is seen by the client");
                Assert.That(client.WriteAt(4096, data), Is.Zero);
                Assert.That(client.FlushAll(), Is.Zero);
                Assert.That(client.ReadAt(Good, data.Length, out byte[] back), Is.Zero);
                Assert.That(back, Is.EqualTo(data));
            }
            AssertFailureIsTold(daemon, "dm:broken", Good / 512, "EIO", bits, health);
            Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        }
        using (DaemonProcess daemon = DaemonProcess.Serve("--config", config))
        {
            Assert.That(daemon.Log, Does.Contain($"vol0: leg {broken} dm:broken lacks 2 regions"));
            daemon.WaitForLog("left the set");
            using NbdClient client = NbdClient.Connect(_scratch["nbd.sock"]);
            // What was written after the leg had left is on the other leg alone.
            Assert.That(client.ReadAt(4096, data.Length, out byte[] back), Is.Zero);
            Assert.That(back, Is.EqualTo(data));
            Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        }
    }

    // Goal: a leg that ran full is told by region and sector, is not read where it lacks data, not even after a restart,
    // and comes back without being told when there is room again; what it lacks is copied, and nothing else.
    [TestCase(0, "DA", "0x1")]
    [TestCase(1, "AD", "0x2")]
    [TestCase(1, "AD", "0x2", "--log", "LOG")]
    [Category("Root")]
    public void A_leg_whose_file_system_runs_full_leaves_the_set_and_comes_back(
        int full, string health, string bits, params string[] more)
    {
        Needs.Root("mounts a small tmpfs");
        using var mount = new SmallMount("4M");
        string[] legs = [_scratch["leg0.img"], _scratch["leg1.img"]];
        legs[full] = mount["leg.img"];
        using var volume = new Volume("32M") { Legs = legs };
        more = [.. more.Select(word => word == "LOG" ? volume.Scratch["log.img"] : word)];
        byte[] data = Pattern(16 << 20);
        using (DaemonProcess daemon = volume.Serve(more))
        {
            using (NbdClient client = NbdClient.Connect(volume.Socket))
            {
                for (int offset = 0; offset < data.Length; offset += 64 << 10)
                    Assert.That(client.WriteAt(offset, data.AsSpan(offset, 64 << 10)), Is.Zero);
                Assert.That(client.FlushAll(), Is.Zero);
            }
            AssertFailureIsTold(daemon, legs[full], null, "ENOSPC", bits, health);
            Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        }
        using (DaemonProcess daemon = volume.Serve(more))
        {
            Match lacks = Regex.Match(daemon.Log, $@"vol0: leg {full} {legs[full]} lacks (\d+) regions");
            Assert.That(lacks.Success, daemon.Log);
            Assert.That(int.Parse(lacks.Groups[1].Value, CultureInfo.InvariantCulture), Is.InRange(16, 32), "of 512K");
            using (NbdClient client = NbdClient.Connect(volume.Socket))
            {
                Assert.That(client.ReadAt(0, data.Length, out byte[] back), Is.Zero);
                Assert.That(back.AsSpan().SequenceEqual(data), "a read came from the leg that ran full");
            }
            daemon.WaitForLog("ENOSPC");
            Assert.That(daemon.Log, Does.Not.Contain("is in sync"));

            mount.Resize("64M");
            daemon.WaitForLog("answers again and returns to the set");
            daemon.WaitForLog($"vol0: leg {full} {legs[full]} is in sync");
            daemon.WaitForLog("64/64 1 AA ");
            Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        }
        volume.CompareLegs();
        DaemonProcess again = volume.Serve(more);
        Assert.That(again.Log, Does.Contain("64/64 1 AA ").And.Not.Contain("lacks"));
    }

    // Goal: without recovery nobody is brought back, and nothing is lost by it.
    [Test]
    public void Without_recovery_a_leg_that_failed_stays_out()
    {
        string config = WriteConfiguration(1);
        File.WriteAllText(config, File.ReadAllText(config).Replace(
            "\"assumeClean\": true,", "\"assumeClean\": true, \"mirror\": { \"recovery\": false },", StringComparison.Ordinal));
        byte[] data = Pattern(64 << 10);
        using (DaemonProcess daemon = DaemonProcess.Serve("--config", config))
        using (NbdClient client = NbdClient.Connect(_scratch["nbd.sock"]))
        {
            Assert.That(client.WriteAt(Good, data), Is.Zero);
            Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        }
        using (DaemonProcess daemon = DaemonProcess.Serve("--config", config))
        using (NbdClient client = NbdClient.Connect(_scratch["nbd.sock"]))
        {
            Assert.That(client.ReadAt(Good, data.Length, out byte[] back), Is.Zero);
            Assert.That(back, Is.EqualTo(data));
            Assert.That(daemon.Log, Does.Contain("lacks 1 regions").And.Not.Contain("recovery begins"));
            Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        }
    }

    [Test]
    public void When_all_legs_fail_clients_get_EIO_and_the_daemon_lives()
    {
        string config = WriteConfiguration(0, 1);
        using DaemonProcess daemon = DaemonProcess.Serve("--config", config);
        byte[] data = Pattern(64 << 10);
        for (int round = 0; round < 2; round++)
        {
            using NbdClient client = NbdClient.Connect(_scratch["nbd.sock"]);
            Assert.That(client.WriteAt(Good, data), Is.EqualTo(NbdClient.EIO));
            Assert.That(client.ReadAt(Good, 4096, out _), Is.EqualTo(NbdClient.EIO));
        }
        using (NbdClient client = NbdClient.Connect(_scratch["nbd.sock"]))
        {
            Assert.That(client.WriteAt(0, data), Is.Zero, "where a leg works, it serves");
            Assert.That(client.ReadAt(0, data.Length, out byte[] back), Is.Zero);
            Assert.That(back, Is.EqualTo(data));
        }
        Assert.That(daemon.HasExited, Is.False);
        Assert.That(daemon.Stop(), Is.EqualTo(1), "a stop that could not flush any leg is no success");
        Assert.That(daemon.Log, Does.Contain("not everything could be flushed"));
    }

    private static void AssertFailureIsTold(
        DaemonProcess daemon, string leg, long? sector, string errno, string bits, string health)
    {
        string[] told = [.. daemon.LogLines.Where(l => l.Contains(errno, StringComparison.Ordinal))];
        Assert.That(told, Has.Length.EqualTo(1), $"once per change, not per request:\n{daemon.Log}");
        Assert.That(told[0], Does.Contain(leg).And.Match($@"\b{bits}\b").And.Match(@"sector \d+"));
        if (sector is { } first)
            Assert.That(told[0], Does.Contain($"sector {first}"));
        Assert.That(Regex.IsMatch(daemon.Log, $@"mirror 2 .* 1 {health}\b"), daemon.Log);
    }

    private static byte[] Pattern(int length)
    {
        byte[] data = new byte[length];
        new Random(7).NextBytes(data);
        return data;
    }

    // The broken legs fail from the second MiB on.
    private string WriteConfiguration(params int[] broken)
    {
        string[] legs = ["leg0.img", "leg1.img"];
        var devices = new List<string>();
        foreach (int leg in broken)
        {
            string name = broken.Length == 1 ? "broken" : $"broken{leg}";
            devices.Add($$"""
                "{{name}}": { "table": ["0 2048 linear {{legs[leg]}} 0", "2048 {{Sectors - 2048}} error"] },
                """);
            _scratch.Sparse(legs[leg], 16 << 20);
            legs[leg] = $"dm:{name}";
        }
        foreach (string leg in legs.Where(l => l.EndsWith(".img", StringComparison.Ordinal)))
            _scratch.Sparse(leg, 16 << 20);
        return _scratch.Write("dmio-nbd.json", $$"""
            {
              "stateDirectory": "state",
              "listeners": [ { "unix": "nbd.sock" } ],
              "devices": {
                {{string.Join('\n', devices)}}
                "vol0": {
                  "table": "0 {{Sectors}} mirror core 1 1024 2 {{legs[0]}} 0 {{legs[1]}} 0 1 handle_errors",
                  "assumeClean": true,
                },
              },
              "exports": [ { "name": "vol0" } ],
            }
            """);
    }
}
