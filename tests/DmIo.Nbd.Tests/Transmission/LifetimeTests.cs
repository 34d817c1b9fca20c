using System.Net.Sockets;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>Order of replies, and how connections end (checklist 2.6, 2.9, 2.14, 2.19; rule 5).</summary>
internal sealed class LifetimeTests
{
    [Test]
    public void Replies_come_in_the_order_of_completion()
    {
        // Goal: T2, a slow request holds nobody up.
        using var server = new TestServer(device: d => d.Holds = true);
        using NbdProbe probe = server.Go();
        for (ulong i = 0; i < 4; i++)
            probe.Send(NbdProbe.Request(NBD_CMD_READ, i * 512, 512, i));
        server.WaitForHeld(4);
        foreach (int i in new[] { 2, 0, 3, 1 })
        {
            server.OnLoop(d => d.Release(d.Held.Single(r => r.Start.Count == i)));
            Assert.That(probe.Expect((ulong)i), Is.Zero);
            probe.Receive(512);
        }
    }

    [Test]
    public void Disc_lets_what_is_in_flight_finish_and_then_closes([Values(0u, 1u << 20)] uint length)
    {
        // Goal: 2.9, DISC: its offset, length and flags may be junk, no reply, in-flight requests are answered.
        using var server = new TestServer(device: d => d.Holds = true);
        using NbdProbe probe = server.Go();
        probe.Send(
            [.. NbdProbe.Request(NBD_CMD_WRITE, 0, 512, 1), .. Bytes.Random(512, 1),
                .. NbdProbe.Request(NBD_CMD_READ, 0, 512, 2),
                .. NbdProbe.Request(NBD_CMD_DISC, ulong.MaxValue, length, 3, 0xffff),
                .. NbdProbe.Request(NBD_CMD_READ, 0, 512, 4)]);
        server.WaitForHeld(2);
        probe.ExpectSilence();
        server.OnLoop(d => d.ReleaseAll());
        Assert.That(probe.Expect(1), Is.Zero);
        Assert.That(probe.Expect(2), Is.Zero);
        probe.Receive(512);
        probe.ExpectClosed();
        server.WaitForConnections(0);
        Assert.That(server.Log.WaitFor(3011), Does.Contain("client disconnected"));
    }

    [Test]
    public void What_was_sent_before_a_disc_is_done_though_nobody_waits_for_the_replies()
    {
        // Goal: 2.18, the kernel sends DISC and closes at once: the writes before it were asked for all the same.
        using var server = new TestServer(device: d => d.Holds = true);
        byte[] data = Bytes.Random(512, 2);
        using (NbdProbe probe = server.Go())
        {
            // The second waits for its turn behind the first.
            probe.Send([.. NbdProbe.Request(NBD_CMD_WRITE, 0, 512, 1), .. new byte[512]]);
            probe.Send([.. NbdProbe.Request(NBD_CMD_WRITE, 0, 512, 2), .. data]);
            server.WaitForTurns(2);
            probe.Disconnect();
        }
        server.OnLoop(d => d.Holds = false);
        server.OnLoop(d => d.ReleaseAll());
        server.WaitForConnections(0);
        Assert.That(server.Contents()[..512], Is.EqualTo(data));
    }

    [Test]
    public void A_request_that_had_not_started_when_its_connection_died_never_starts()
    {
        // Goal: rule 5 (stale writes after a reconnect): the write that waits for its turn dies with its client.
        using var server = new TestServer(device: d => d.Holds = true);
        using (NbdProbe probe = server.Go())
        {
            probe.Send([.. NbdProbe.Request(NBD_CMD_WRITE, 0, 512, 1), .. new byte[512]]);
            probe.Send([.. NbdProbe.Request(NBD_CMD_WRITE, 0, 512, 2), .. Bytes.Random(512, 2)]);
            probe.Send([.. NbdProbe.Request(NBD_CMD_WRITE, 100, 100, 3), .. Bytes.Random(100, 3)]);
            server.WaitForHeld(1);
        }
        Thread.Sleep(50);
        server.OnLoop(d => d.Holds = false);
        server.OnLoop(d => d.ReleaseAll());
        server.WaitForConnections(0);
        Assert.That(server.Contents(), Is.All.Zero);
        Assert.That(server.OnLoop(d => d.Log.Count), Is.EqualTo(1));
        Assert.That(server.OnLoop(_ => server.Export.Turns.Count), Is.Zero);
    }

    [Test]
    public void A_client_that_closed_its_sending_side_gets_its_replies()
    {
        // Goal: 2.19, half close.
        using var server = new TestServer(device: d => d.Holds = true);
        using NbdProbe probe = server.Go();
        probe.Send([.. NbdProbe.Request(NBD_CMD_READ, 0, 512, 1), .. NbdProbe.Request(NBD_CMD_READ, 512, 512, 2)]);
        probe.FinishSending();
        server.WaitForHeld(2);
        probe.ExpectSilence();
        server.OnLoop(d => d.ReleaseAll());
        for (ulong i = 1; i <= 2; i++)
        {
            Assert.That(probe.Expect(i), Is.Zero);
            probe.Receive(512);
        }
        probe.ExpectClosed();
        server.WaitForConnections(0);
    }

    [Test]
    public void An_end_that_comes_together_with_a_request_is_noticed([Values] bool overTcp)
    {
        // Goal: readiness is told once for both: the server must look again after a short read.
        using var server = new TestServer(overTcp: overTcp);
        using NbdProbe probe = server.Go();
        using var loopIsBusy = new ManualResetEventSlim();
        using var sent = new ManualResetEventSlim();
        Task busy = server.Loop.InvokeAsync(() =>
        {
            loopIsBusy.Set();
            sent.Wait();
            return ValueTask.CompletedTask;
        });
        loopIsBusy.Wait();
        probe.Send(NbdProbe.Request(NBD_CMD_READ, 0, 512, 1));
        probe.FinishSending();
        Thread.Sleep(20);
        sent.Set();
        TestServer.Wait(busy);
        Assert.That(probe.Expect(1), Is.Zero);
        probe.Receive(512);
        probe.ExpectClosed();
        server.WaitForConnections(0);
    }

    [TestCase(27)]
    [TestCase(28)]
    [TestCase(28 + 100)]
    [TestCase(28 + 300_000)]
    public void A_connection_that_ends_inside_a_request_leaves_nothing_behind(int bytes)
    {
        // Goal: 2.19, reset in the middle of a payload; nothing of it is written, and its buffers come back.
        using var server = new TestServer(overTcp: true);
        byte[] request = [.. NbdProbe.Request(NBD_CMD_WRITE, 0, 512 << 10, 1), .. Bytes.Random(512 << 10, 1)];
        foreach (bool reset in new[] { true, false })
        {
            using NbdProbe probe = server.Go();
            probe.Send(request.AsSpan(0, bytes));
            Thread.Sleep(20);
            if (reset)
                probe.Reset();
            else
                probe.FinishSending();
            server.WaitForConnections(0);
        }
        Assert.That(server.Contents(), Is.All.Zero);
        using NbdProbe next = server.Go();
        Assert.That(next.Call(NBD_CMD_FLUSH, 0, 0), Is.Zero);
    }

    [Test]
    public void Buffers_of_a_dead_connection_stay_until_the_device_gives_them_back()
    {
        // Goal: an operation that was started keeps its memory; the connection's slot comes back after it.
        using var server = new TestServer(device: d => d.Holds = true);
        using (NbdProbe probe = server.Go())
        {
            probe.Send([.. NbdProbe.Request(NBD_CMD_WRITE, 0, 512, 1), .. Bytes.Random(512, 8)]);
            server.WaitForHeld(1);
        }
        Assert.That(() => server.Server.ConnectionCount, Is.EqualTo(1).After(50));
        server.OnLoop(d => d.ReleaseAll());
        server.WaitForConnections(0);
        Assert.That(server.Contents()[..512], Is.EqualTo(Bytes.Random(512, 8)));
    }

    [Test]
    public void A_client_that_never_reads_is_held_back_and_harms_nobody([Values] bool overTcp)
    {
        // Goal: 2.19, bounded send queue: it asks for 1 GiB, few of its reads are done, others are served.
        using var server = new TestServer(overTcp: overTcp);
        using NbdProbe greedy = server.Go();
        greedy.Send([.. Enumerable.Range(0, 1024).SelectMany(
            i => NbdProbe.Request(NBD_CMD_READ, 0, TestServer.DefaultBytes, (ulong)i))]);
        using NbdProbe other = server.Go();
        for (int i = 0; i < 10; i++)
            Assert.That(other.Read(0, 4096), Is.All.Zero);
        Thread.Sleep(100);
        // TCP's own buffers grow to some MiB each before they are full.
        Assert.That(server.OnLoop(d => d.Log.Count), Is.LessThan(overTcp ? 60 : 30));
        greedy.Dispose();
        other.Dispose();
        server.WaitForConnections(0);
    }

    [Test]
    public void A_slow_reader_gets_everything_in_the_end()
    {
        // Goal: partial sends of gathered replies are continued where they stopped.
        using var server = new TestServer();
        byte[] data = Bytes.Random(TestServer.DefaultBytes, 31);
        server.OnLoop(d => data.CopyTo(d.Contents()));
        using NbdProbe probe = server.Go();
        var random = new Random(31);
        var asked = new List<(int At, int Length)>();
        for (int i = 0; i < 200; i++)
        {
            int at = random.Next(data.Length - 1);
            asked.Add((at, random.Next(1, Math.Min(100_000, data.Length - at))));
            probe.Send(NbdProbe.Request(NBD_CMD_READ, (ulong)at, (uint)asked[^1].Length, (ulong)i));
        }
        for (int i = 0; i < asked.Count; i++)
        {
            (uint error, ulong cookie) = probe.ReadReply();
            Assert.That(error, Is.Zero);
            (int at, int length) = asked[(int)cookie];
            Assert.That(probe.Receive(length).AsSpan().SequenceEqual(data.AsSpan(at, length)), $"cookie {cookie}");
        }
    }

    [Test]
    public void What_one_connection_was_told_is_written_all_connections_read()
    {
        // Goal: 2.14, CAN_MULTI_CONN is true; a flush on one connection reaches the device for all.
        using var server = new TestServer();
        NbdProbe[] probes = [.. Enumerable.Range(0, 4).Select(_ => server.Go())];
        for (int i = 0; i < 100; i++)
        {
            byte[] data = Bytes.Random(1000, i);
            Assert.That(probes[i % 4].Write((ulong)i * 999, data), Is.Zero);
            Assert.That(probes[(i + 1) % 4].Read((ulong)i * 999, 1000), Is.EqualTo(data));
        }
        foreach (NbdProbe probe in probes)
            probe.Dispose();
    }

    [Test]
    public void Replies_over_tcp_are_not_delayed()
    {
        // Goal: TCP_NODELAY on the server's end: a hundred round trips take no delayed acknowledgements of 40 ms.
        using var server = new TestServer(overTcp: true);
        using NbdProbe probe = server.Go();
        var watch = System.Diagnostics.Stopwatch.StartNew();
        for (int i = 0; i < 100; i++)
            probe.Read(0, 512);
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(2)));
        Assert.That(probe.Socket.AddressFamily, Is.EqualTo(AddressFamily.InterNetwork));
    }
}
