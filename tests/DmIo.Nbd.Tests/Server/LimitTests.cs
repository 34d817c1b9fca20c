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
    public void Requests_of_all_connections_of_a_loop_are_bounded_and_everybody_gets_his_turn()
    {
        // Goal: four clients want eight requests each at once, four are under way; all are answered, and whoever waits is
        // served before anybody else is served twice, be it with or without memory.
        using var server = new TestServer(new NbdLimits { MaxRequestsInFlightPerLoop = 4 }, device: d => d.Holds = true);
        NbdProbe[] probes = [.. Enumerable.Range(0, 4).Select(_ => server.Go())];
        server.LetFrontBeHeard();
        for (int n = 0; n < probes.Length; n++)
        {
            probes[n].Send([.. Enumerable.Range(0, 8).SelectMany(i => NbdProbe.Request(
                i % 2 == 0 ? NBD_CMD_TRIM : NBD_CMD_READ, (ulong)(n * 8 + i) * 512, 512, (ulong)i))]);
            server.WaitForHeld(4);
            server.WaitForWaiting(n + 1);
        }
        for (int left = 32; left > 0; left--)
        {
            server.WaitForHeld(Math.Min(4, left));
            Assert.That(server.OnLoop(d => d.Log.Count), Is.LessThanOrEqualTo(32 - left + 4));
            server.OnLoop(d => d.ReleaseFirst());
        }
        long[] owners = server.OnLoop(d => d.Log.Select(call => call.Start.Count / 8).ToArray());
        Assert.That(owners[..4], Is.All.Zero, "there was nobody else");
        Assert.That(owners[4..8], Is.EquivalentTo(new[] { 0, 1, 2, 3 }), "who came next");
        foreach (NbdProbe probe in probes)
        {
            for (int i = 0; i < 8; i++)
            {
                (uint error, ulong cookie) = probe.ReadReply();
                Assert.That(error, Is.Zero);
                probe.Receive(cookie % 2 == 0 ? 0 : 512);
            }
            probe.Dispose();
        }
    }

    [TestCase(NBD_CMD_READ)]
    [TestCase(NBD_CMD_TRIM)]
    public void Who_has_just_been_answered_does_not_overtake_who_waits_for_a_request(ushort command)
    {
        // Goal: the room that a client's own request leaves is not its own as long as others stand in line.
        var limits = new NbdLimits { MaxRequestsInFlight = 1, MaxRequestsInFlightPerLoop = 1 };
        using var server = new TestServer(limits, device: d => d.Holds = true);
        using NbdProbe busy = server.Go();
        using NbdProbe patient = server.Go();
        server.LetFrontBeHeard();
        for (ulong i = 0; i < 5; i++)
            busy.Send(NbdProbe.Request(command, i * 512, 512, i));
        server.WaitForHeld(1);
        patient.Send(NbdProbe.Request(command, 8 * 512, 512, 8));
        server.WaitForWaiting(1);
        server.OnLoop(d => d.ReleaseFirst());
        server.WaitForHeld(1);
        server.WaitForWaiting(1);
        server.OnLoop(d => d.ReleaseFirst());
        server.WaitForHeld(1);
        Assert.That(server.OnLoop(d => d.Log.Select(call => call.Start.Count).ToArray()), Is.EqualTo(new[] { 0, 8, 1 }));
    }

    [Test]
    public void What_hangs_in_a_device_leaves_the_limit_of_requests()
    {
        // Goal: requests that were answered although a device still holds them keep nobody waiting.
        using var server = new TestServer(new NbdLimits { MaxRequestsInFlightPerLoop = 2 }, device: d => d.Holds = true);
        using NbdProbe probe = server.Go();
        for (ulong i = 0; i < 6; i++)
        {
            probe.Send([.. NbdProbe.Request(NBD_CMD_WRITE, i * 512, 512, i), .. new byte[512]]);
            server.WaitForHeld(1);
            server.OnLoop(d => d.CompleteEarly(d.Held[0]));
            Assert.That(probe.Expect(i), Is.Zero);
        }
        server.OnLoop(d => d.LandAll());
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
    public void Memory_of_a_loop_is_bounded_and_everybody_gets_his_turn()
    {
        // Goal: eight connections want far more than the loop's memory at once; all are served, none starves.
        var limits = new NbdLimits { MaxPayloadBytes = 1 << 20, MaxBytesInFlightPerLoop = 6 << 20 };
        using var server = new TestServer(limits, sizeBytes: 8 << 20);
        byte[] data = Bytes.Random(8 << 20, 12);
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, n =>
        {
            using NbdProbe probe = server.Go();
            byte[] mine = data[(n << 20)..((n + 1) << 20)];
            for (int round = 0; round < 20; round++)
            {
                Assert.That(probe.Write((ulong)n << 20, mine), Is.Zero);
                Assert.That(probe.Read((ulong)n << 20, mine.Length).AsSpan().SequenceEqual(mine));
                // Unaligned ones need a block more at each end, and a scratch block.
                Assert.That(probe.Write(((ulong)n << 20) + 1, mine.AsSpan(1, mine.Length - 2)), Is.Zero);
            }
        });
        Assert.That(server.Contents().AsSpan().SequenceEqual(data));
        Assert.That(server.Server.MostRentedBytes, Is.LessThanOrEqualTo(6 << 20));
    }

    [Test]
    public void Who_waits_for_much_memory_is_not_overtaken_by_who_wants_little()
    {
        // Goal: first come, first served, so that small requests cannot starve a large one.
        var limits = new NbdLimits { MaxPayloadBytes = 1 << 20, MaxBytesInFlightPerLoop = 16 << 20 };
        using var server = new TestServer(limits, device: d => d.Holds = true);
        using NbdProbe holder = server.Go();
        using NbdProbe large = server.Go();
        using NbdProbe small = server.Go();
        // Parts of headers, so that these two have their chunks already.
        byte[] muchRequest = NbdProbe.Request(NBD_CMD_READ, 0, 1 << 20, 1);
        byte[] littleRequest = NbdProbe.Request(NBD_CMD_READ, 0, 512, 2);
        large.Send(muchRequest.AsSpan(0, 10));
        small.Send(littleRequest.AsSpan(0, 10));
        Thread.Sleep(50);
        // In one piece: later on there is no room for another chunk.
        holder.Send(
            [.. Enumerable.Range(0, 15).SelectMany(i => NbdProbe.Request(NBD_CMD_READ, 0, 1 << 20, (ulong)i))]);
        server.WaitForHeld(15);
        large.Send(muchRequest.AsSpan(10));
        Thread.Sleep(50);
        small.Send(littleRequest.AsSpan(10));
        small.ExpectSilence();
        Assert.That(server.OnLoop(d => d.Held.Count), Is.EqualTo(15));
        server.OnLoop(d => d.ReleaseFirst());
        holder.ReadReply();
        holder.Receive(1 << 20);
        server.WaitForHeld(16);
        Assert.That(
            server.OnLoop(d => d.Log.Select(c => c.Count.Bytes).TakeLast(2).ToArray()),
            Is.EqualTo(new[] { 1L << 20, 512L }));
    }

    [TestCase(NBD_CMD_READ)]
    [TestCase(NBD_CMD_FLUSH)]
    public void Who_waits_to_receive_keeps_nobody_from_what_was_received(ushort command)
    {
        // Goal: room to receive into comes back when the requests in it are started: these must not stand behind it in line.
        var limits = new NbdLimits
        {
            MaxPayloadBytes = 1 << 20,
            MaxBytesInFlightPerLoop = Transmission.LoopMemory.LeastBytes(1 << 20),
        };
        using var server = new TestServer(limits);
        NbdProbe[] holders = [.. Enumerable.Range(0, 4).Select(_ => server.Go())];
        byte[] request = NbdProbe.Request(command, 0, command == NBD_CMD_READ ? 512u : 0);
        for (int i = 0; i < holders.Length; i++)
        {
            holders[i].Send(request.AsSpan(0, 10));
            server.WaitForRented((i + 1) * Transmission.ReceiveChunk.SizeBytes);
        }
        using NbdProbe late = server.Go();
        late.Send(request);
        server.WaitForWaiting(1);
        foreach (NbdProbe probe in holders.Append(late))
        {
            if (probe != late)
                probe.Send(request.AsSpan(10));
            Assert.That(probe.Expect(0), Is.Zero);
            probe.Receive(command == NBD_CMD_READ ? 512 : 0);
        }
        foreach (NbdProbe probe in holders)
            probe.Dispose();
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Who_keeps_memory_that_others_wait_for_is_cut_off(bool takesNoReplies)
    {
        // Goal: clients that read nothing, or never finish a payload, cannot keep a loop's memory for ever.
        var limits = new NbdLimits
        {
            MaxPayloadBytes = 1 << 20,
            MaxBytesInFlightPerLoop = 6 << 20,
            MaxUnsentBytes = 64 << 20,
            StallTimeout = TimeSpan.FromMilliseconds(200),
        };
        using var server = new TestServer(limits, sizeBytes: 8 << 20);
        NbdProbe[] greedy = [.. Enumerable.Range(0, 6).Select(_ => server.Go())];
        foreach (NbdProbe probe in greedy)
        {
            if (takesNoReplies)
            {
                for (ulong i = 0; i < 10; i++)
                    probe.Send(NbdProbe.Request(NBD_CMD_READ, 0, 1 << 20, i));
            }
            else
            {
                probe.Send([.. NbdProbe.Request(NBD_CMD_WRITE, 0, 1 << 20, 1), .. new byte[500_000]]);
            }
        }
        Thread.Sleep(50);
        using NbdProbe modest = server.Go();
        Assert.That(modest.Read(0, 1 << 20), Is.All.Zero);
        Assert.That(server.Log.WaitFor(3012), Does.Contain("memory"));
        foreach (NbdProbe probe in greedy)
            probe.Dispose();
    }

    [Test]
    public void A_slow_client_keeps_its_memory_while_nobody_waits()
    {
        // Goal: a client that was suspended for a while finds its connection again.
        using var server = new TestServer(new NbdLimits { StallTimeout = TimeSpan.FromMilliseconds(50) });
        using NbdProbe probe = server.Go();
        probe.Send([.. NbdProbe.Request(NBD_CMD_WRITE, 0, 1 << 20, 1), .. new byte[500_000]]);
        Thread.Sleep(300);
        probe.Send(new byte[(1 << 20) - 500_000]);
        Assert.That(probe.Expect(1), Is.Zero);
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
