using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>How a server stops (checklist 2.2 H14, 2.15, 2.19 CVE-2024-7409).</summary>
internal sealed class StopTests
{
    [Test]
    public void What_is_in_flight_finishes_and_what_is_new_is_left_for_another_connection()
    {
        // Goal: no new connections, ERR_SHUTDOWN for options but ABORT, replies to what was started, close. Unlike 2.15 new
        // requests are neither done nor answered, not even ESHUTDOWN: the kernel's client would pass an error on to the file
        // system, and sends what got no answer again.
        using var server = new TestServer(device: d => d.Holds = true);
        using NbdProbe probe = server.Go();
        using NbdProbe halfOpen = server.Connect();
        halfOpen.Greet();
        probe.Send([.. NbdProbe.Request(NBD_CMD_WRITE, 0, 512, 1), .. Bytes.Random(512, 1)]);
        server.WaitForHeld(1);
        Task stop = server.Server.StopAsync(TimeSpan.FromSeconds(10));
        server.Log.WaitFor(3002);
        Assert.That(() => server.Connect(), Throws.InstanceOf<System.Net.Sockets.SocketException>());
        server.LetFrontBeHeard();
        probe.Send([.. NbdProbe.Request(NBD_CMD_WRITE, 0, 512, 2), .. Bytes.Random(512, 2)]);
        probe.Send(NbdProbe.Request(NBD_CMD_FLUSH, 0, 0, 3));
        Assert.That(halfOpen.Ask(NBD_OPT_LIST).Single().Type, Is.EqualTo(NBD_REP_ERR_SHUTDOWN));
        Assert.That(halfOpen.Ask(NBD_OPT_GO, NbdProbe.Info("vol0")).Single().Type, Is.EqualTo(NBD_REP_ERR_SHUTDOWN));
        Assert.That(stop.IsCompleted, Is.False);
        server.OnLoop(d => d.ReleaseAll());
        Assert.That(probe.Expect(1), Is.Zero);
        probe.ExpectClosed();
        halfOpen.ExpectClosed();
        TestServer.Wait(stop);
        Assert.That(server.Contents()[..512], Is.EqualTo(Bytes.Random(512, 1)));
        Assert.That(server.Server.ConnectionCount, Is.Zero);
    }

    [Test]
    public void A_write_that_has_half_come_does_not_delay_a_stop()
    {
        // Goal: who was told nothing sends it again; nothing of it may be done, and nobody waits for its rest.
        using var server = new TestServer();
        using NbdProbe probe = server.Go();
        byte[] write = [.. NbdProbe.Request(NBD_CMD_WRITE, 0, 1 << 20, 1), .. Bytes.Random(1 << 20, 1)];
        byte[] before = server.Contents()[..512];
        probe.Send(write.AsSpan(0, 1 << 19));
        Assert.That(
            () => TestServer.Wait(server.Server.ReadConnectionsAsync()).Single().Traffic?.InFlight,
            Is.EqualTo(1).After(5000, 2));
        var watch = System.Diagnostics.Stopwatch.StartNew();
        TestServer.Wait(server.Server.StopAsync(TimeSpan.FromSeconds(10)));
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(5)));
        probe.ExpectClosed();
        Assert.That(server.Contents()[..512], Is.EqualTo(before));
    }

    [Test]
    public void Idle_and_half_open_connections_do_not_delay_a_stop()
    {
        // Goal: CVE-2024-7409, stray half-open clients at shutdown.
        using var server = new TestServer();
        using NbdProbe silent = server.Connect();
        using NbdProbe greeted = server.Connect();
        greeted.Greet();
        using NbdProbe inAnOption = server.Connect();
        inAnOption.Greet();
        inAnOption.Send(NbdProbe.Option(NBD_OPT_GO, NbdProbe.Info("vol0")).AsSpan(0, 20));
        using NbdProbe idle = server.Go();
        using NbdProbe inAHeader = server.Go();
        inAHeader.Send(NbdProbe.Request(NBD_CMD_READ, 0, 512).AsSpan(0, 10));
        server.WaitForConnections(5);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        TestServer.Wait(server.Server.StopAsync(TimeSpan.FromSeconds(10)));
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(5)));
        foreach (NbdProbe probe in new[] { silent, greeted, inAnOption, idle, inAHeader })
        {
            if (probe == silent)
                probe.ReadGreeting();
            probe.ExpectClosed();
        }
        Assert.That(server.Server.ConnectionCount, Is.Zero);
    }

    [Test]
    public void A_stop_is_bounded_though_a_device_hangs()
    {
        // Goal: a request that never comes back does not keep the daemon from ending; its memory stays its own.
        using var server = new TestServer(device: d => d.Holds = true);
        using NbdProbe probe = server.Go();
        probe.Send(NbdProbe.Request(NBD_CMD_READ, 0, 512, 1));
        server.WaitForHeld(1);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        TestServer.Wait(server.Server.StopAsync(TimeSpan.FromMilliseconds(200)));
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(5)));
        probe.ExpectClosed();
        Assert.That(server.Log.WaitFor(3020), Does.Contain("1 connections"));
    }

    [Test]
    public void A_stop_is_bounded_though_a_client_neither_reads_nor_leaves()
    {
        // Goal: replies that nobody takes do not keep the server.
        using var server = new TestServer();
        using NbdProbe probe = server.Go();
        for (int i = 0; i < 16; i++)
            probe.Send(NbdProbe.Request(NBD_CMD_READ, 0, TestServer.DefaultBytes, (ulong)i));
        TestServer.Wait(server.Server.StopAsync(TimeSpan.FromMilliseconds(200)));
        Assert.That(server.Server.ConnectionCount, Is.Zero);
    }

    [Test]
    public void Stopping_twice_is_stopping_once()
    {
        // Goal: a second signal during a stop changes nothing; nothing is listened on afterwards.
        using var server = new TestServer();
        Task first = server.Server.StopAsync(TimeSpan.FromSeconds(5));
        TestServer.Wait(server.Server.StopAsync(TimeSpan.FromSeconds(5)));
        TestServer.Wait(first);
        Assert.That(
            () => server.Server.ListenUnixAsync(server.PathOf("late")).Wait(),
            Throws.InnerException.InstanceOf<ObjectDisposedException>());
    }
}
