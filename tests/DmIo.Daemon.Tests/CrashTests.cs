using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>
/// The daemon is ended under load: whatever a client was told is written and flushed is on every leg of the set. The
/// page cache outlives a process, so here that holds for all that was acknowledged.
/// </summary>
public sealed class CrashTests
{
    private const long VolumeBytes = 64 << 20;
    private const int Connections = 4;
    private const int Depth = 16;

    [TestCase(1, "auto")]
    [TestCase(2, "threads")]
    [TestCase(3, "auto")]
    public void SIGTERM_under_load_ends_in_time_with_equal_legs(int seed, string backend)
    {
        var random = new Random(seed);
        using var volume = new Volume("64M");
        DaemonProcess daemon = volume.Serve("--io-backend", backend);
        var load = new StampedLoad(seed, VolumeBytes, Connections, Depth);
        Thread[] clients = load.Start(volume.Socket);
        WaitForLoad(load, random.Next(200, 3000), daemon);

        daemon.Signal("TERM");
        int status = daemon.WaitForExit(TimeSpan.FromSeconds(10));
        Join(clients);

        Assert.That(status, Is.Zero, daemon.Log);
        Assert.That(load.Failures, Is.Empty);
        volume.CompareLegs();
        AssertLegsHold(load, volume, seed);
        using DaemonProcess again = volume.Serve();
        Assert.That(again.Log, Does.Contain(" 1 AA ").And.Not.Contain("not stopped cleanly"));
    }

    [TestCase(11, "auto")]
    [TestCase(12, "threads")]
    [TestCase(13, "auto", "--direct")]
    [TestCase(14, "threads", "--direct")]
    [TestCase(15, "auto", "--log", "LOG")]
    [TestCase(16, "threads", "--log", "LOG", "--clean-after", "0")]
    public void Kill_minus_9_under_load_loses_nothing_acknowledged_and_recovery_makes_the_legs_equal(
        int seed, string backend, params string[] more)
    {
        var random = new Random(seed);
        using var volume = new Volume("64M");
        string[] arguments =
            ["--io-backend", backend, .. more.Select(word => word == "LOG" ? volume.Scratch["log.img"] : word)];
        var load = new StampedLoad(seed, VolumeBytes, Connections, Depth);
        using (DaemonProcess daemon = volume.Serve(arguments))
        {
            Thread[] clients = load.Start(volume.Socket);
            WaitForLoad(load, random.Next(200, 3000), daemon);
            daemon.Kill();
            Join(clients);
            Assert.That(load.Failures, Is.Empty);
        }
        AssertLegsHold(load, volume, seed);

        // Once more in the middle of the recovery.
        using (DaemonProcess daemon = volume.Serve(arguments))
        {
            Assert.That(daemon.Log, Does.Contain("not stopped cleanly"));
            daemon.WaitForLog("recovery begins");
            daemon.Kill();
        }
        AssertLegsHold(load, volume, seed);

        using (DaemonProcess daemon = volume.Serve(arguments))
        {
            daemon.WaitForLog("128/128 1 AA ");
            Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        }
        volume.CompareLegs();
        AssertLegsHold(load, volume, seed);
    }

    // Goal: many lives of one mirror, each ended at another moment: tests/kills does the same a thousand times.
    [TestCase(101, true, 13)]
    [TestCase(102, false, 12)]
    public void Twenty_five_kills_lose_nothing_acknowledged(int seed, bool hasLog, int kills) =>
        new KillRun(seed, hasLog, TestContext.Out).Run(kills);

    [TestCase(21, 0)]
    [TestCase(22, 1)]
    [Category("Root")]
    public void Kill_minus_9_with_a_leg_that_ran_full_loses_nothing_acknowledged(int seed, int full)
    {
        Needs.Root("mounts a small tmpfs");
        using var mount = new SmallMount("6M");
        using var volume = new Volume("64M");
        volume.Legs[full] = mount["leg.img"];
        var load = new StampedLoad(seed, VolumeBytes, Connections, Depth);
        using (DaemonProcess daemon = volume.Serve())
        {
            Thread[] clients = load.Start(volume.Socket);
            daemon.WaitForLog("ENOSPC");
            // Some more, which the full leg lacks.
            WaitForLoad(load, load.Acknowledged + 500, daemon);
            daemon.Kill();
            Join(clients);
            Assert.That(load.Failures, Is.Empty);
        }
        using (DaemonProcess daemon = volume.Serve())
        {
            Assert.That(daemon.Log, Does.Match($@"vol0: leg {full} \S+ lacks \d+ regions"));
            string seen = volume.Scratch["seen.img"];
            Tool.Run("nbdcopy", volume.Uri, seen).MustSucceed();
            Assert.That(load.Check(seen), Is.Empty, $"seed {seed}: what clients read");
            Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        }
        Assert.That(load.Check(volume.Legs[1 - full]), Is.Empty, $"seed {seed}: the leg of the set");
        TestContext.Out.WriteLine($"seed {seed}: {load.Acknowledged} writes acknowledged");
    }

    [Test]
    public void A_second_signal_ends_the_daemon_at_once()
    {
        using var volume = new Volume();
        DaemonProcess daemon = volume.Serve();
        var load = new StampedLoad(1, VolumeBytes, Connections, Depth);
        Thread[] clients = load.Start(volume.Socket);
        WaitForLoad(load, 100, daemon);
        Tool.Run("kill", "-TERM", $"{daemon.Id}").MustSucceed();
        daemon.WaitForLog("stopping");
        Tool.Run("kill", "-TERM", $"{daemon.Id}");
        // Whichever was quicker.
        Assert.That(daemon.WaitForExit(TimeSpan.FromSeconds(10)), Is.AnyOf(0, 128 + 15));
        Join(clients);
    }

    private static void WaitForLoad(StampedLoad load, long writes, DaemonProcess daemon) =>
        Deadline.WaitFor(
            () => load.Acknowledged >= writes && load.Flushes > 0 || load.Failures.Count > 0 || daemon.HasExited,
            $"{writes} acknowledged writes");

    private static void Join(Thread[] clients)
    {
        foreach (Thread client in clients)
            Assert.That(client.Join(Deadline.Usual), "a client still waits for the server");
    }

    private static void AssertLegsHold(StampedLoad load, Volume volume, int seed)
    {
        TestContext.Out.WriteLine($"seed {seed}: {load.Acknowledged} writes and {load.Flushes} flushes acknowledged");
        foreach (string leg in volume.Legs)
        {
            List<string> wrong = load.Check(leg);
            string told = $"seed {seed}: {wrong.Count} sectors wrong, the first: {wrong.FirstOrDefault()}";
            Assert.That(wrong, Is.Empty, told);
        }
    }
}
