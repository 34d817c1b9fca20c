using System.Net.Sockets;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>A limit on everything (rule 8; checklist 2.2 H12, 2.19).</summary>
internal sealed class LimitTests
{
    private static readonly NbdLimits s_hasty = new() { HandshakeTimeout = TimeSpan.FromMilliseconds(200) };

    [TestCase(0)]
    [TestCase(3)]
    [TestCase(20)]
    [TestCase(29)]
    public void A_handshake_that_takes_too_long_is_dropped(int bytes)
    {
        // Goal: slowloris, CVE-2024-7409: the deadline is for the whole handshake, wherever it has come to.
        using var server = new TestServer(s_hasty);
        using NbdProbe probe = server.Connect();
        probe.ReadGreeting();
        byte[] session =
        [
            .. Bytes.U32(NBD_FLAG_C_FIXED_NEWSTYLE), .. NbdProbe.Option(NBD_OPT_GO, NbdProbe.Info("vol0")),
        ];
        probe.Send(session.AsSpan(0, bytes));
        probe.ExpectClosed();
        Assert.That(server.Log.WaitFor(3014), Does.Contain("took too long"));
        server.WaitForConnections(0);
    }

    [Test]
    public void The_deadline_ends_with_the_handshake()
    {
        // Goal: an idle connection in the transmission phase stays.
        using var server = new TestServer(s_hasty);
        using NbdProbe probe = server.Go();
        probe.ExpectSilence(400);
        Assert.That(probe.Call(NBD_CMD_FLUSH, 0, 0), Is.Zero);
    }

    [Test]
    public void Too_many_options_end_the_connection()
    {
        // Goal: H12.
        using var server = new TestServer(new NbdLimits { MaxOptions = 5 });
        using NbdProbe probe = server.Connect();
        probe.Greet();
        for (int i = 0; i < 5; i++)
            probe.Ask(NBD_OPT_LIST);
        probe.ExpectClosed();
    }

    [TestCase((256u << 10) + 1)]
    [TestCase(uint.MaxValue)]
    public void Option_data_beyond_the_limit_ends_the_connection(uint length)
    {
        // Goal: CVE-2017-15119, oversized option data must neither be stored nor stall the server.
        using var server = new TestServer();
        using NbdProbe probe = server.Connect();
        probe.Greet();
        probe.Send([.. Bytes.U64(IHAVEOPT), .. Bytes.U32(99), .. Bytes.U32(length)]);
        probe.ExpectClosed();
        using NbdProbe next = server.Go();
    }

    [Test]
    public void Connections_are_bounded_and_slots_come_back()
    {
        // Goal: nbd #126, a slot that is never freed; half-open ones count.
        using var server = new TestServer(new NbdLimits { MaxConnections = 3 });
        for (int round = 0; round < 20; round++)
        {
            using NbdProbe serving = server.Go();
            using NbdProbe aborting = server.Connect();
            using NbdProbe silent = server.Connect();
            server.WaitForConnections(3);
            using NbdProbe refused = server.Connect();
            refused.ExpectClosed();
            aborting.Greet();
            aborting.Ask(NBD_OPT_ABORT);
            if (round % 2 == 0)
                serving.Disconnect();
            serving.Dispose();
            silent.Dispose();
            server.WaitForConnections(0);
        }
        Assert.That(server.Log.WaitFor(3005), Does.Contain("3 connections"));
    }

    [Test]
    public void Requests_in_flight_are_bounded()
    {
        // Goal: further requests wait in the socket, and go on as soon as there is room.
        using var server = new TestServer(new NbdLimits { MaxRequestsInFlight = 4 }, device: d => d.Holds = true);
        using NbdProbe probe = server.Go();
        for (ulong i = 0; i < 20; i++)
            probe.Send(NbdProbe.Request(NBD_CMD_READ, i * 512, 512, i));
        server.WaitForHeld(4);
        probe.ExpectSilence(50);
        Assert.That(server.OnLoop(d => d.Log.Count), Is.EqualTo(4));
        for (ulong i = 0; i < 20; i++)
        {
            server.OnLoop(d => d.ReleaseFirst());
            Assert.That(probe.Expect(i), Is.Zero);
            probe.Receive(512);
            server.WaitForHeld((int)Math.Min(4, 19 - i));
        }
    }

    [Test]
    public void Long_options_are_bounded_in_all_and_short_ones_always_fit()
    {
        // Goal: clients that nobody knows yet cannot fill the memory together, nor keep out those with real options.
        using var server = new TestServer(new NbdLimits { MaxOptionBytesInFlight = 512 << 10 });
        byte[] unfinished = [.. Bytes.U64(IHAVEOPT), .. Bytes.U32(99), .. Bytes.U32(256 << 10), .. new byte[1000]];
        NbdProbe[] greedy = [.. Enumerable.Range(0, 2).Select(_ => server.Connect())];
        foreach (NbdProbe probe in greedy)
        {
            probe.Greet();
            probe.Send(unfinished);
        }
        using NbdProbe late = server.Connect();
        late.Greet();
        byte[] whole = NbdProbe.Option(99, new byte[256 << 10]);
        Assert.That(IsAnswered(server, whole), Is.False);
        Assert.That(server.Log.WaitFor(3014), Does.Contain("262144 bytes").And.Contain("others"));
        Assert.That(late.Ask(NBD_OPT_INFO, NbdProbe.Info(new string('x', 4096)))[^1].Type, Is.EqualTo(NBD_REP_ERR_UNKNOWN));
        late.GoOn();
        foreach (NbdProbe probe in greedy)
            probe.Dispose();
        Assert.That(() => IsAnswered(server, whole), Is.True.After(5000, 20), "room that has come back");
    }

    // Who is refused is cut off while it sends.
    private static bool IsAnswered(TestServer server, byte[] option)
    {
        using NbdProbe probe = server.Connect();
        probe.Greet();
        try
        {
            probe.Send(option);
            return probe.Socket.Receive(new byte[1]) > 0;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    [Test]
    public void Bytes_in_flight_are_bounded_but_one_request_always_goes()
    {
        // Goal: a limit below one request's size does not lock the connection.
        using var server = new TestServer(new NbdLimits { MaxBytesInFlight = 64 << 10 }, device: d => d.Holds = true);
        using NbdProbe probe = server.Go();
        byte[] data = Bytes.Random(1 << 20, 6);
        Task sending = Task.Run(() => probe.Send(
            [.. NbdProbe.Request(NBD_CMD_WRITE, 0, 1 << 20, 1), .. data,
                .. NbdProbe.Request(NBD_CMD_READ, 0, 32 << 10, 2), .. NbdProbe.Request(NBD_CMD_READ, 0, 32 << 10, 3),
                .. NbdProbe.Request(NBD_CMD_READ, 0, 512, 4)]));
        for (ulong i = 1; i <= 4; i++)
        {
            server.WaitForHeld(i is 2 ? 2 : i is 3 ? 2 : 1);
            server.OnLoop(d => d.ReleaseFirst());
            Assert.That(probe.Expect(i), Is.Zero);
            if (i > 1)
                probe.Receive(i == 4 ? 512 : 32 << 10);
        }
        TestServer.Wait(sending);
    }

    [Test]
    public void Limits_that_contradict_each_other_are_refused()
    {
        // Goal: a mistake in the settings is told when the server is made.
        using var server = new TestServer();
        foreach (NbdLimits limits in new[]
        {
            new NbdLimits { MaxPayloadBytes = 65536 },
            new NbdLimits { MaxBytesInFlightPerLoop = 64 << 20 },
            new NbdLimits { MaxConnections = 0 },
            new NbdLimits { MaxConnectionsPerPeer = 0 },
            new NbdLimits { AdvertisedPayloadBytes = 0 },
            new NbdLimits { MaxRequestsInFlightPerLoop = 0 },
            new NbdLimits { MaxOptionBytesInFlight = -1 },
            new NbdLimits { HandshakeTimeout = TimeSpan.Zero },
            new NbdLimits { MaxOptionBytes = 100 },
        })
        {
            Assert.That(
                () => new NbdServer(server.Front, limits, server.Log),
                Throws.InstanceOf<ArgumentOutOfRangeException>());
        }
    }
}
