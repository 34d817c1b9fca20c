using System.Security.Authentication;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>Requests and replies in TLS, and how such connections end.</summary>
internal sealed class TlsTransferTests
{
    private const int Size = 8 << 20;

    [Test]
    public void What_is_written_is_read(
        [Values(SslProtocols.Tls12, SslProtocols.Tls13)] SslProtocols protocol, [Values] bool overTcp)
    {
        // Goal: requests of any length at any place, many at once, beside a model.
        int seed = Random.Shared.Next();
        TestContext.Out.WriteLine($"seed {seed}");
        var random = new Random(seed);
        byte[] model = new byte[Size];
        using var rig = new TlsRig(overTcp: overTcp, sizeBytes: Size);
        using NbdProbe probe = rig.Greet().StartTls(protocols: protocol).GoOn("vol0");
        for (int round = 0; round < 40; round++)
        {
            (int At, int Length)[] reads = [.. Enumerable.Range(0, random.Next(1, 12)).Select(_ => Range(random))];
            (int at, int length) = Range(random);
            byte[] payload = Bytes.Random(length, seed + round);
            payload.CopyTo(model, at);
            Assert.That(probe.Write((ulong)at, payload), Is.Zero);
            probe.Send([.. reads.SelectMany((r, i) => NbdProbe.Request(NBD_CMD_READ, (ulong)r.At, (uint)r.Length, (ulong)i))]);
            foreach (int _ in reads.Select(_ => 0))
            {
                (uint error, ulong cookie) = probe.ReadReply();
                (int from, int count) = reads[(int)cookie];
                Assert.That(error, Is.Zero);
                Assert.That(probe.Receive(count).AsSpan().SequenceEqual(model.AsSpan(from, count)), $"seed {seed}");
            }
        }
        Assert.That(rig.Server.Contents().AsSpan().SequenceEqual(model), $"seed {seed}");
    }

    [Test]
    public void Requests_may_come_in_records_of_one_byte_and_records_byte_by_byte()
    {
        // Goal: neither the borders of records nor those of segments mean anything.
        using var rig = new TlsRig();
        using NbdProbe probe = rig.Go();
        byte[] payload = Bytes.Random(700, 3);
        foreach (byte one in (byte[])[.. NbdProbe.Request(NBD_CMD_WRITE, 100, 700, 7), .. payload])
            probe.Send([one]);
        Assert.That(probe.Expect(7), Is.Zero);
        probe.Tap!.PieceBytes = 1;
        Assert.That(probe.Write(100, payload), Is.Zero);
        Assert.That(probe.Read(100, 700), Is.EqualTo(payload));
    }

    [Test]
    public void What_is_said_at_once_with_go_is_not_lost()
    {
        // Goal: requests that lie behind the handshake, decrypted and not, go over to the export's loop with the connection.
        using var rig = new TlsRig();
        using NbdProbe probe = rig.Greet().StartTls();
        byte[] payload = Bytes.Random(100_000, 4);
        probe.Send(
        [
            .. NbdProbe.Option(NBD_OPT_GO, NbdProbe.Info("vol0")),
            .. NbdProbe.Request(NBD_CMD_WRITE, 512, (uint)payload.Length, 1), .. payload,
        ]);
        Assert.That(probe.ReadReplies(NBD_OPT_GO)[^1].Type, Is.EqualTo(NBD_REP_ACK));
        Assert.That(probe.Expect(1), Is.Zero);
        Assert.That(probe.Read(512, payload.Length), Is.EqualTo(payload));
    }

    [TestCase(SslProtocols.Tls12)]
    [TestCase(SslProtocols.Tls13)]
    public void The_end_is_told_and_the_clients_is_not_waited_for(SslProtocols protocol)
    {
        // Goal: after DISC the last record is close_notify, and the socket is closed although the client says nothing.
        using var rig = new TlsRig();
        using NbdProbe probe = rig.Greet().StartTls(protocols: protocol).GoOn("vol0");
        Assert.That(probe.Call(NBD_CMD_FLUSH, 0, 0), Is.Zero);
        int before = probe.Tap!.Received.Length;
        probe.Disconnect();
        probe.ExpectClosed();
        byte[] end = probe.Tap.Received[before..];
        Assert.That(end, Is.Not.Empty, "a record");
        Assert.That(end[0], Is.EqualTo(protocol == SslProtocols.Tls12 ? 21 : 23), "an alert, which TLS 1.3 disguises");
        Assert.That(5 + (end[3] << 8 | end[4]), Is.EqualTo(end.Length), "one record");
        rig.Server.WaitForConnections(0);
        Assert.That(rig.Server.Log.WaitFor(3011), Does.Contain("client disconnected"));
    }

    [Test]
    public void A_client_that_ends_its_side_gets_what_it_asked_for()
    {
        // Goal: close_notify of a client is the half-close of TLS: what it asked for before is answered.
        using var rig = new TlsRig();
        using NbdProbe probe = rig.Go();
        rig.Server.OnLoop(d => d.Holds = true);
        probe.Send(NbdProbe.Request(NBD_CMD_READ, 0, 4096, 5));
        rig.Server.WaitForHeld(1);
        probe.SendCloseNotify();
        probe.ExpectSilence();
        rig.Server.OnLoop(d =>
        {
            d.Holds = false;
            d.ReleaseAll();
        });
        Assert.That(probe.Expect(5), Is.Zero);
        Assert.That(probe.Receive(4096), Is.EqualTo(new byte[4096]));
        probe.ExpectClosed();
        rig.Server.WaitForConnections(0);
    }

    [TestCase(Ending.Closed)]
    [TestCase(Ending.ShutDown)]
    [TestCase(Ending.Reset)]
    public void A_client_that_is_gone_leaves_nothing_behind(Ending ending)
    {
        // Goal: whatever is under way in TLS when a client goes, all is given back.
        using var rig = new TlsRig(overTcp: true);
        using (NbdProbe probe = rig.Go())
        {
            rig.Server.OnLoop(d => d.Holds = true);
            probe.Send(NbdProbe.Request(NBD_CMD_READ, 0, 65536, 1));
            rig.Server.WaitForHeld(1);
            probe.Send([.. NbdProbe.Request(NBD_CMD_WRITE, 0, 65536, 2), .. new byte[1000]]);
            probe.End(ending);
            rig.Server.OnLoop(d =>
            {
                d.Holds = false;
                d.ReleaseAll();
            });
            rig.Server.WaitForConnections(0);
        }
        using NbdProbe next = rig.Go();
        Assert.That(next.Call(NBD_CMD_FLUSH, 0, 0), Is.Zero);
    }

    [Test]
    public void Replies_that_the_client_is_slow_to_take_all_come([Values] bool overTcp)
    {
        // Goal: a full socket stops encryption in the middle of a reply, and nothing is lost or doubled when it goes on.
        using var rig = new TlsRig(overTcp: overTcp, sizeBytes: Size);
        byte[] contents = Bytes.Random(Size, 9);
        rig.Server.OnLoop(d => contents.CopyTo(d.Contents()));
        using NbdProbe probe = rig.Go();
        probe.Send([.. Enumerable.Range(0, 4).SelectMany(i => NbdProbe.Request(NBD_CMD_READ, 0, Size, (ulong)i))]);
        probe.Send(NbdProbe.Request(NBD_CMD_DISC, 0, 0));
        probe.ExpectFull();
        for (int i = 0; i < 4; i++)
        {
            Assert.That(probe.ReadReply().Error, Is.Zero);
            Assert.That(probe.Receive(Size).AsSpan().SequenceEqual(contents));
        }
        probe.ExpectClosed();
    }

    [Test]
    public void A_client_that_never_reads_is_held_back_and_harms_nobody()
    {
        // Goal: encrypted replies count under the limit of unsent bytes.
        using var rig = new TlsRig();
        using NbdProbe greedy = rig.Go();
        byte[] batch = [.. Enumerable.Repeat(NbdProbe.Request(NBD_CMD_READ, 0, 65536), 100).SelectMany(r => r)];
        for (int i = 0; i < 10; i++)
            greedy.Send(batch);
        using NbdProbe other = rig.Go();
        Assert.That(other.Read(0, 4096), Is.EqualTo(new byte[4096]));
        // 100 requests of 64 KiB at most were started beyond what the sockets hold.
        Assert.That(rig.Server.Server.MostRentedBytes, Is.LessThan(16 << 20));
    }

    [Test]
    public void A_record_that_was_changed_ends_the_connection()
    {
        // Goal: what does not prove to be the client's is not done.
        using var rig = new TlsRig();
        using NbdProbe probe = rig.Go();
        Assert.That(probe.Call(NBD_CMD_FLUSH, 0, 0), Is.Zero);
        int done = rig.Server.OnLoop(d => d.Log.Count);
        probe.Tap!.Spoils = true;
        probe.Send([.. NbdProbe.Request(NBD_CMD_WRITE, 0, 512, 1), .. Bytes.Random(512, 1)]);
        Assert.That(rig.Server.Log.WaitFor(3012), Does.Contain("TLS"));
        rig.Server.WaitForConnections(0);
        Assert.That(rig.Server.OnLoop(d => d.Log.Count), Is.EqualTo(done));
    }

    [Test]
    public void A_stop_is_told_in_tls()
    {
        // Goal: H14, 2.15: what is in flight is answered, and the end is an orderly one.
        using var rig = new TlsRig();
        using NbdProbe probe = rig.Go();
        using NbdProbe idle = rig.Go();
        rig.Server.OnLoop(d => d.Holds = true);
        probe.Send(NbdProbe.Request(NBD_CMD_READ, 0, 512, 1));
        rig.Server.WaitForHeld(1);
        Task stop = rig.Server.Server.StopAsync(TimeSpan.FromSeconds(20));
        idle.ExpectClosed();
        rig.Server.OnLoop(d =>
        {
            d.Holds = false;
            d.ReleaseAll();
        });
        Assert.That(probe.Expect(1), Is.Zero);
        Assert.That(probe.Receive(512), Is.EqualTo(new byte[512]));
        probe.ExpectClosed();
        TestServer.Wait(stop);
    }

    private static (int At, int Length) Range(Random random)
    {
        // Lengths about those of records, small ones and such as fill many.
        int length = random.Next(4) switch
        {
            0 => random.Next(1, 600),
            1 => random.Next(1, 9) * 4096,
            2 => 16384 - 16 + random.Next(-20, 20),
            _ => random.Next(1, 1_500_000),
        };
        return (random.Next(Size - length), length);
    }
}
