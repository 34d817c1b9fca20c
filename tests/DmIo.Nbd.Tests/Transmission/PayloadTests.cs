using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>Payloads however they arrive and however long they are (checklist 2.6, 2.12, 2.19).</summary>
internal sealed class PayloadTests
{
    [TestCase(512, 1)]
    [TestCase(4096, 1)]
    [TestCase(512, 4096)]
    public void Header_and_payload_may_be_cut_anywhere(int blockBytes, int memoryAlignmentBytes)
    {
        // Goal: fragmented arrival at every boundary of header, payload and next header.
        using var server = new TestServer(blockBytes: blockBytes, memoryAlignmentBytes: memoryAlignmentBytes);
        using NbdProbe probe = server.Go();
        byte[] data = Bytes.Random(40, 9);
        for (int cut = 1; cut < 28 + 40 + 28; cut++)
        {
            data[0] = (byte)cut;
            byte[] session =
            [
                .. NbdProbe.Request(NBD_CMD_WRITE, 1000, 40, 1), .. data, .. NbdProbe.Request(NBD_CMD_FLUSH, 0, 0, 2),
            ];
            probe.Send(session.AsSpan(0, cut));
            Thread.Sleep(1);
            probe.Send(session.AsSpan(cut));
            (uint Error, ulong Cookie)[] replies = [probe.ReadReply(), probe.ReadReply()];
            Assert.That(replies, Is.EquivalentTo(new[] { (0u, 1ul), (0u, 2ul) }), $"cut at {cut}");
            Assert.That(probe.Read(1000, 40), Is.EqualTo(data), $"cut at {cut}");
        }
    }

    [Test]
    public void Aligned_payload_may_come_byte_by_byte()
    {
        // Goal: one-byte writes, with the payload used where it was received.
        using var server = new TestServer();
        using NbdProbe probe = server.Go();
        byte[] data = Bytes.Random(512, 10);
        probe.SendInPieces([.. NbdProbe.Request(NBD_CMD_WRITE, 512, 512, 1), .. data], 1, pauseMs: 0);
        Assert.That(probe.Expect(1), Is.Zero);
        Assert.That(server.Contents()[512..1024], Is.EqualTo(data));
    }

    // Lengths around what a chunk holds (262144), what is moved rather than split (8192), what one buffer holds (1
    // MiB).
    private static readonly int[] s_lengths =
    [
        512, 4096, 8192, 8704, 65536, 261632, 262116, 262144, 262656, 1 << 20, (1 << 20) + 512, 3_000_000, 32 << 20,
        64 << 20,
    ];

    [Test]
    public void Payloads_of_any_length_arrive_whole(
        [ValueSource(nameof(s_lengths))] int length, [Values(0, 4096, 777)] int offset, [Values(1, 4096)] int alignment)
    {
        // Goal: 2.16, up to 64 MiB, twice what is advertised, aligned and not, on devices that take any memory and that do not.
        int size = offset + length + 4096 & -4096;
        using var server = new TestServer(sizeBytes: size, memoryAlignmentBytes: alignment);
        using NbdProbe probe = server.Go();
        byte[] data = Bytes.Random(length, length ^ offset);
        Assert.That(probe.Write((ulong)offset, data), Is.Zero);
        byte[] expected = new byte[size];
        data.CopyTo(expected, offset);
        Assert.That(server.Contents().AsSpan().SequenceEqual(expected));
        Assert.That(probe.Read((ulong)offset, length).AsSpan().SequenceEqual(data));
    }

    [Test]
    public void Several_large_payloads_may_follow_each_other_closely([Values(1, 4096)] int alignment)
    {
        // Goal: the end of one payload, the next header and its beginning come in one receive.
        using var server = new TestServer(sizeBytes: 16 << 20, memoryAlignmentBytes: alignment);
        using NbdProbe probe = server.Go();
        byte[] data = Bytes.Random(16 << 20, 4);
        var random = new Random(20);
        var session = new MemoryStream();
        int count = 0;
        for (int at = 0; at < data.Length; count++)
        {
            int length = Math.Min(data.Length - at, random.Next(1, 2000) * 512);
            session.Write(NbdProbe.Request(NBD_CMD_WRITE, (ulong)at, (uint)length, (ulong)count));
            session.Write(data, at, length);
            at += length;
        }
        Task sending = Task.Run(() => probe.Send(session.ToArray()));
        var cookies = new HashSet<ulong>();
        for (int i = 0; i < count; i++)
        {
            (uint error, ulong cookie) = probe.ReadReply();
            Assert.That(error, Is.Zero);
            Assert.That(cookies.Add(cookie));
        }
        TestServer.Wait(sending);
        Assert.That(server.Contents().AsSpan().SequenceEqual(data));
    }

    [TestCase((64u << 20) + 1)]
    [TestCase((64u << 20) + 512)]
    [TestCase(100u << 20)]
    public void Longer_than_64_MiB_is_invalid_and_the_payload_is_consumed(uint length)
    {
        // Goal: 2.12, 2.9: refused without losing the stream.
        using var server = new TestServer(sizeBytes: 128 << 20);
        using NbdProbe probe = server.Go();
        Assert.That(probe.Call(NBD_CMD_READ, 0, length), Is.EqualTo(NBD_EINVAL));
        Assert.That(probe.Write(0, new byte[length]), Is.EqualTo(NBD_EINVAL));
        Assert.That(probe.Call(NBD_CMD_FLUSH, 0, 0), Is.Zero);
        Assert.That(server.OnLoop(d => d.Log.Count(c => c.Operation != BlockOperation.Flush)), Is.Zero);
    }

    [Test]
    public void Ranges_without_payload_may_be_longer_than_any_payload()
    {
        // Goal: 2.12: no-payload commands are not bound; nbdkit 1.44 cut zeroes at 64 MiB and leaked old data.
        using var server = new TestServer(
            sizeBytes: 200 << 20,
            device: d => d.WriteZeroesCapability = d.DiscardCapability = Sectors.FromBytes((32 << 20) + 512));
        server.OnLoop(d => d.Contents().Fill(0xaa));
        using NbdProbe probe = server.Go();
        Assert.That(probe.Call(NBD_CMD_WRITE_ZEROES, 1 << 20, 199 << 20, NBD_CMD_FLAG_FUA), Is.Zero);
        Assert.That(server.OnLoop(d => d.Contents().IndexOfAnyExcept((byte)0xaa)), Is.EqualTo(1 << 20));
        Assert.That(server.OnLoop(d => d.Contents()[(1 << 20)..].IndexOfAnyExcept((byte)0)), Is.EqualTo(-1));
        BlockOperation[] log = server.OnLoop(d => d.Log.Select(c => c.Operation).ToArray());
        Assert.That(log, Has.Length.EqualTo(8), "seven pieces and one flush");
        Assert.That(log[^1], Is.EqualTo(BlockOperation.Flush));
        server.OnLoop(d => d.ClearLog());
        Assert.That(probe.Call(NBD_CMD_TRIM, 0, 200 << 20), Is.Zero);
        Assert.That(server.OnLoop(d => d.Log.Sum(c => c.Count.Bytes)), Is.EqualTo(200L << 20));
        Assert.That(server.OnLoop(d => d.Log.All(c => c.Count <= d.DiscardCapability)));
    }

    [Test]
    public void Trim_never_runs_past_the_end()
    {
        // Goal: 2.19 (nbd-server 2021-05, trim length computed wrongly): ranges of 2^32 - 1 and up to the last byte.
        using var server = new TestServer();
        using NbdProbe probe = server.Go();
        Assert.That(probe.Call(NBD_CMD_TRIM, 512, uint.MaxValue), Is.EqualTo(NBD_EINVAL));
        Assert.That(probe.Call(NBD_CMD_TRIM, TestServer.DefaultBytes - 700, 700), Is.Zero);
        Assert.That(
            server.OnLoop(d => (d.Log.Single().Start.Bytes, d.Log.Single().Count.Bytes)),
            Is.EqualTo((TestServer.DefaultBytes - 512L, 512L)));
    }

    [Test]
    public void Many_small_requests_in_one_stream_are_all_answered()
    {
        // Goal: pipelined batches beyond every budget of a turn and beyond the requests in flight.
        using var server = new TestServer();
        using NbdProbe probe = server.Go();
        const int Count = 5000;
        var session = new MemoryStream();
        var random = new Random(3);
        byte[] model = new byte[TestServer.DefaultBytes];
        for (int i = 0; i < Count; i++)
        {
            int at = i % 2000 * 512;
            random.NextBytes(model.AsSpan(at, 512));
            session.Write(NbdProbe.Request(NBD_CMD_WRITE, (ulong)at, 512, (ulong)i));
            session.Write(model, at, 512);
        }
        Task sending = Task.Run(() => probe.Send(session.ToArray()));
        for (int i = 0; i < Count; i++)
            Assert.That(probe.ReadReply().Error, Is.Zero);
        TestServer.Wait(sending);
        Assert.That(server.Contents().AsSpan().SequenceEqual(model));
    }
}
