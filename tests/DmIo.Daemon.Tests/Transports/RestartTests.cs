using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>Restarts with the listening socket kept: clients come back, and nothing that was acknowledged is lost.</summary>
public sealed class RestartTests
{
    private const long VolumeBytes = 64 << 20;
    private const int Connections = 4;
    private const int Depth = 16;
    private const int Restarts = 8;

    // Goal: under load the daemon is told to stop, again and again: what is under way is answered, what is new waits for
    // the next daemon, legs are flushed, no client is ever refused a connection, and that daemon finds a clean mirror.
    [TestCase(31, "auto")]
    [TestCase(32, "threads")]
    public void Clients_go_on_over_restarts_and_lose_nothing(int seed, string backend)
    {
        var random = new Random(seed);
        using var volume = new Volume("64M");
        var load = new StampedLoad(seed, VolumeBytes, Connections, Depth, reconnects: true);
        using SocketKeeper keeper = SocketKeeper.Start(
            [$"unix:{volume.Socket}=nbd"],
            volume.ServedWithoutAddress("--create", "--io-backend", backend));
        keeper.Process.WaitForLog("serving ");
        Thread[] clients = load.Start(volume.Socket);
        for (int i = 0; i < Restarts; i++)
        {
            long goal = load.Acknowledged + random.Next(50, 2000);
            Deadline.WaitFor(
                () => load.Acknowledged >= goal || load.Failures.Count > 0 || keeper.Process.HasExited, "writes");
            keeper.Restart();
        }
        long last = load.Acknowledged + 500;
        Deadline.WaitFor(() => load.Acknowledged >= last || load.Failures.Count > 0, "writes after the last restart");
        load.Finish();
        foreach (Thread client in clients)
            Assert.That(client.Join(Deadline.Usual), "a client still waits for the server");
        Assert.That(load.Failures, Is.Empty, keeper.Log);
        Assert.That(load.CheckVolume(volume.Socket), Is.Empty, $"seed {seed}: what clients read");
        Assert.That(keeper.Stop(), Is.Zero, keeper.Log);

        TestContext.Out.WriteLine(
            $"seed {seed}: {Restarts} restarts, {load.Acknowledged} writes acknowledged, {load.Refused} requests refused, "
            + $"{load.Reconnections} reconnections");
        Assert.That(keeper.Ended, Is.EqualTo(Restarts + 1));
        Assert.That(keeper.Log, Does.Not.Contain("not stopped cleanly").And.Not.Contain("cut off"));
        // A connection that was just taken may be let go of, and that client comes once more.
        Assert.That(load.Reconnections, Is.InRange(Restarts * Connections, 2 * Restarts * Connections));
        Assert.That(load.Refused, Is.Zero, "what was not started is left to the next connection, unanswered");
        Assert.That(File.Exists(volume.Socket), "the socket is its keeper's");
        volume.CompareLegs();
        foreach (string leg in volume.Legs)
            Assert.That(load.Check(leg), Is.Empty, $"seed {seed}");
    }

    // Goal: who connects while no daemon is there waits, and is served by the next one.
    [Test]
    public void Who_connects_between_two_daemons_is_served_by_the_next()
    {
        using var volume = new Volume();
        using SocketKeeper keeper =
            SocketKeeper.Start([$"unix:{volume.Socket}"], volume.ServedWithoutAddress("--create"));
        keeper.Process.WaitForLog("serving ");
        int daemon = keeper.DaemonId;
        Tool.Run("kill", "-TERM", $"{daemon}").MustSucceed();
        keeper.Process.WaitForLog($"No longer listening on {volume.Socket}");
        // The old daemon takes nobody any more, the new one is not there yet.
        using NbdClient client = NbdClient.Connect(volume.Socket);
        Assert.That(client.WriteAt(0, new byte[512]), Is.Zero);
        Assert.That(keeper.DaemonId, Is.Not.EqualTo(daemon));
        Assert.That(keeper.Stop(), Is.Zero, keeper.Log);
    }
}
