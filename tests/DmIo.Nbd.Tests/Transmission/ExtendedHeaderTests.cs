using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>
/// Extended headers (checklist 2.6, 2.13). No client of the tests' distribution speaks them: this is the specification
/// alone.
/// </summary>
internal sealed class ExtendedHeaderTests
{
    private const string Allocation = "base:allocation";
    private const string Failed = "x-dmio:failed-legs";

    private TestServer _server = null!;
    private NbdProbe _probe = null!;

    [SetUp]
    public void SetUp()
    {
        _server = new TestServer();
        _probe = _server.Connect();
    }

    [TearDown]
    public void TearDown()
    {
        _probe.Dispose();
        _server.Dispose();
    }

    [TestCase(0, 4096)]
    [TestCase(513, 100)]
    [TestCase(0, TestServer.DefaultBytes)]
    public void What_is_written_is_read(int offset, int length)
    {
        // Goal: payload behind 32 bytes of header, in place or received straight; offsets echoed.
        _probe.GoWith(ReplyForm.Extended);
        byte[] data = Bytes.Random(length, 7);
        Chunk done = Write((ulong)offset, data).Single();
        Assert.That((done.Type, done.Data.Length), Is.EqualTo((NBD_REPLY_TYPE_NONE, 0)));
        Assert.That(_server.Contents().AsSpan(offset, length).SequenceEqual(data));
        Assert.That(_probe.ReadChunked((ulong)offset, length).AsSpan().SequenceEqual(data));
    }

    [Test]
    public void Many_requests_may_come_in_one_segment_or_byte_by_byte()
    {
        // Goal: the longer header across receives and chunks' ends.
        _probe.GoWith(ReplyForm.Extended);
        byte[] data = Bytes.Random(512, 8);
        byte[] batch = [];
        for (ulong i = 0; i < 8; i++)
        {
            batch = [.. batch, .. NbdProbe.ExtendedRequest(
                NBD_CMD_WRITE, i * 512, 512, i, NBD_CMD_FLAG_PAYLOAD_LEN), .. data];
        }
        _probe.Send(batch);
        for (ulong i = 0; i < 8; i++)
            Assert.That(_probe.ReadChunk().Cookie, Is.EqualTo(i));
        _probe.SendInPieces(NbdProbe.ExtendedRequest(NBD_CMD_READ, 512, 512, 99), 1);
        Assert.That(_probe.ReadChunk().Data.AsSpan(8).SequenceEqual(data));
    }

    [Test]
    public void Lengths_of_64_bits_reach_where_32_do_not()
    {
        // Goal: 2.13: status, zeroes, trim and cache of more than 4 GiB in one request.
        const long Size = 1L << 45;
        var device = new ExtentDevice(_server.Loop, Size);
        _server.Server.AddExport(new NbdExport("huge", device, readOnly: false), isDefault: true);
        _probe.GoWith(ReplyForm.Extended, Allocation);
        (ulong, ulong)[] hole = [((ulong)Size - 7, NBD_STATE_HOLE | NBD_STATE_ZERO)];
        Assert.That(_probe.Status(7, Size - 7)[Allocation], Is.EqualTo(hole));
        Assert.That(_probe.Chunks(NBD_CMD_CACHE, 0, Size).Single().Type, Is.EqualTo(NBD_REPLY_TYPE_NONE));
        Assert.That(_probe.Error(NBD_CMD_BLOCK_STATUS, 8, Size).Error, Is.EqualTo(NBD_EINVAL));
        Assert.That(_probe.Error(NBD_CMD_WRITE_ZEROES, 8, Size).Error, Is.EqualTo(NBD_ENOSPC));
        Assert.That(_probe.Error(NBD_CMD_TRIM, 8, ulong.MaxValue - 7).Error, Is.EqualTo(NBD_EINVAL));
        Assert.That(_probe.Error(NBD_CMD_READ, 0, 1ul << 32).Error, Is.EqualTo(NBD_EINVAL), "no READ is that long");
    }

    [Test]
    public void Zeroes_and_trims_of_the_whole_device_are_one_request()
    {
        // Goal: the same commands do the same things.
        _probe.GoWith(ReplyForm.Extended);
        Write(0, Bytes.Random(TestServer.DefaultBytes, 9));
        Assert.That(
            _probe.Chunks(NBD_CMD_WRITE_ZEROES, 1, TestServer.DefaultBytes - 2).Single().Type,
            Is.EqualTo(NBD_REPLY_TYPE_NONE));
        Assert.That(_server.Contents().AsSpan(1, TestServer.DefaultBytes - 2).ContainsAnyExcept((byte)0), Is.False);
    }

    [Test]
    public void A_write_needs_its_payload_and_others_must_not_have_one()
    {
        // Goal: 2.13: WRITE without PAYLOAD_LEN is EINVAL and nothing is taken for its payload; a payload that does not
        // belong is passed over, then EINVAL.
        _probe.GoWith(ReplyForm.Extended);
        Assert.That(_probe.Error(NBD_CMD_WRITE, 0, 4096).Error, Is.EqualTo(NBD_EINVAL));
        foreach (ushort command in new[] { NBD_CMD_READ, NBD_CMD_FLUSH, NBD_CMD_TRIM, NBD_CMD_BLOCK_STATUS, (ushort)77 })
        {
            byte[] payload = Bytes.Random(5000, command);
            Assert.That(
                _probe.Error(command, 0, 0, NBD_CMD_FLAG_PAYLOAD_LEN, payload).Error, Is.EqualTo(NBD_EINVAL), $"{command}");
        }
        Assert.That(_probe.Chunks(NBD_CMD_FLUSH, 0, 0).Single().Type, Is.EqualTo(NBD_REPLY_TYPE_NONE));
    }

    [TestCase(NBD_CMD_WRITE, (64ul << 20) + 1)]
    [TestCase(NBD_CMD_READ, 1ul << 33)]
    [TestCase(NBD_CMD_BLOCK_STATUS, ulong.MaxValue)]
    public void A_payload_that_is_too_long_ends_the_connection(ushort command, ulong length)
    {
        // Goal: 2.13: it would have to be received to find the next request.
        _probe.GoWith(ReplyForm.Extended);
        _probe.Send(NbdProbe.ExtendedRequest(command, 0, length, 1, NBD_CMD_FLAG_PAYLOAD_LEN));
        _probe.ExpectClosed();
        Assert.That(_server.Log.WaitFor(3012), Does.Contain("payload"));
    }

    [Test]
    public void The_compact_magic_ends_the_connection()
    {
        // Goal: T1, no header of the other kind after the negotiation.
        _probe.GoWith(ReplyForm.Extended);
        _probe.Send(
            NbdProbe.ExtendedRequest(NBD_CMD_READ, 0, 512, magic: NBD_REQUEST_MAGIC));
        _probe.ExpectClosed();
    }

    [Test]
    public void A_disconnect_waits_for_what_came_before()
    {
        // Goal: DISC of 32 bytes.
        _probe.GoWith(ReplyForm.Extended);
        _probe.Send(
            [.. NbdProbe.ExtendedRequest(NBD_CMD_FLUSH, 0, 0, 5), .. NbdProbe.ExtendedRequest(NBD_CMD_DISC, 9, 9)]);
        Assert.That(_probe.ReadChunk().Cookie, Is.EqualTo(5));
        _probe.ExpectClosed();
    }

    [Test]
    public void A_status_may_name_some_of_the_contexts()
    {
        // Goal: BLOCK_STATUS_PAYLOAD: u64 length and ids; only those are told.
        using var server = new MirrorServer(overTcp: false);
        using NbdProbe probe = server.GoWith(ReplyForm.Extended, Allocation, Failed);
        Assert.That(probe.Export.Flags & NBD_FLAG_BLOCK_STATUS_PAYLOAD, Is.Not.Zero);
        byte[] length = Bytes.U64(8192);
        byte[] id = Bytes.U32(probe.Contexts[Failed]);
        byte[] other = Bytes.U32(probe.Contexts[Allocation]);
        Assert.That(Ids([.. length, .. id]), Is.EqualTo(new[] { probe.Contexts[Failed] }));
        Assert.That(Ids([.. length, .. id, .. other]), Is.EquivalentTo(probe.Contexts.Values));
        foreach (byte[] bad in new[]
        {
            length, [.. length, .. id, .. id], [.. length, .. Bytes.U32(77)], [.. length, .. id, 0], [1, 2, 3],
            [.. length, .. id, .. other, .. Bytes.U32(3)], [.. Bytes.U64(0), .. id], [.. Bytes.U64(ulong.MaxValue), .. id],
        })
        {
            Assert.That(
                probe.Error(NBD_CMD_BLOCK_STATUS, 0, 0, NBD_CMD_FLAG_PAYLOAD_LEN, bad).Error, Is.EqualTo(NBD_EINVAL));
        }
        Assert.That(probe.Status(0, 512).Keys, Is.EquivalentTo(new[] { Allocation, Failed }));

        uint[] Ids(byte[] payload)
        {
            (uint Context, (ulong Length, ulong)[] Extents)[] told =
            [
                .. probe.Chunks(NBD_CMD_BLOCK_STATUS, 0, 0, NBD_CMD_FLAG_PAYLOAD_LEN, payload).Select(c => c.ReadStatus()),
            ];
            Assert.That(told.Select(t => t.Extents.Single().Length), Is.All.EqualTo(8192));
            return [.. told.Select(t => t.Context)];
        }
    }

    private List<Chunk> Write(ulong offset, byte[] data) =>
        _probe.Chunks(NBD_CMD_WRITE, offset, 0, NBD_CMD_FLAG_PAYLOAD_LEN, data);
}
