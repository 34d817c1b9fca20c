using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>What the connections of a loop share (rule 8): requests, memory, and the line of those who wait for them.</summary>
internal sealed class LoopLimitTests
{
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

    [Test]
    public void Who_waits_to_throw_a_payload_away_is_not_asked_for_a_sign_of_life()
    {
        // Goal: after a silence a reply must be acknowledged before more is started; when that of a refused write is the
        // only one under way, its payload is received first.
        var limits = new NbdLimits
        {
            MaxPayloadBytes = 1 << 20,
            MaxBytesInFlightPerLoop = Transmission.LoopMemory.LeastBytes(1 << 20),
        };
        using var server = new TestServer(limits);
        using NbdProbe refused = server.Go();
        refused.Send([.. NbdProbe.Request(NBD_CMD_WRITE, TestServer.DefaultBytes, 4096, 1), .. new byte[96]]);
        server.LetFrontBeHeard();
        NbdProbe[] holders = [.. Enumerable.Range(0, 4).Select(_ => server.Go())];
        byte[] flush = NbdProbe.Request(NBD_CMD_FLUSH, 0, 0);
        for (int i = 0; i < holders.Length; i++)
        {
            holders[i].Send(flush.AsSpan(0, 10));
            server.WaitForRented((i + 1) * Transmission.ReceiveChunk.SizeBytes);
        }
        refused.Send(new byte[4000]);
        server.WaitForWaiting(1);
        // Longer than what is taken for a silence.
        Thread.Sleep(200);
        holders[0].Send(flush.AsSpan(10));
        Assert.That(holders[0].Expect(0), Is.Zero);
        Assert.That(refused.Expect(1), Is.EqualTo(NBD_ENOSPC));
        Assert.That(refused.Write(0, new byte[512]), Is.Zero, "it goes on");
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
}
