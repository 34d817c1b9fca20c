using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>What each command answers (checklist 2.7, 2.8, 2.9, 2.15, column "ours" of 2.16).</summary>
internal sealed class CommandTests
{
    private const ulong Size = TestServer.DefaultBytes;
    private const ushort Resize = 8;

    private TestServer _server = null!;
    private NbdProbe _probe = null!;

    [SetUp]
    public void SetUp()
    {
        _server = new TestServer();
        _probe = _server.Go();
    }

    [TearDown]
    public void TearDown()
    {
        _probe.Dispose();
        _server.Dispose();
    }

    [TestCase(Size, 1u)]
    [TestCase(Size - 1, 2u)]
    [TestCase(Size - 512, 1024u)]
    [TestCase(Size + 1, 0u)]
    [TestCase(0ul, (uint)Size + 1)]
    [TestCase(1ul << 63, 512u)]
    [TestCase(ulong.MaxValue, 1u)]
    [TestCase(ulong.MaxValue - 511, 512u)]
    [TestCase(ulong.MaxValue, 0u)]
    public void Past_the_end_is_told_by_command(ulong offset, uint length)
    {
        // Goal: 2.16: reads and trims past the end EINVAL, writes and zeroes ENOSPC; 2.19: offset + length may wrap
        // 2^64.
        Assert.That(_probe.Call(NBD_CMD_READ, offset, length), Is.EqualTo(NBD_EINVAL), "READ");
        Assert.That(_probe.Call(NBD_CMD_TRIM, offset, length), Is.EqualTo(NBD_EINVAL), "TRIM");
        Assert.That(_probe.Call(NBD_CMD_WRITE_ZEROES, offset, length), Is.EqualTo(NBD_ENOSPC), "WRITE_ZEROES");
        Assert.That(_probe.Write(offset, new byte[length]), Is.EqualTo(NBD_ENOSPC), "WRITE");
        Assert.That(_server.OnLoop(d => d.Log.Count), Is.Zero);
    }

    [TestCase(NBD_CMD_READ)]
    [TestCase(NBD_CMD_WRITE)]
    [TestCase(NBD_CMD_TRIM)]
    [TestCase(NBD_CMD_WRITE_ZEROES)]
    public void A_zero_length_succeeds_and_does_nothing(ushort command)
    {
        // Goal: 2.9, 2.16: not specified; success and no operation, up to the very end.
        foreach (ulong offset in new[] { 0ul, 1ul, Size })
            Assert.That(_probe.Call(command, offset, 0), Is.Zero);
        Assert.That(_server.OnLoop(d => d.Log.Count), Is.Zero);
    }

    [Test]
    public void One_byte_can_be_read_anywhere()
    {
        // Goal: 2.16, minimum block 1.
        byte[] data = Bytes.Random(4096, 3);
        Assert.That(_probe.Write(0, data), Is.Zero);
        foreach (int at in new[] { 0, 1, 511, 512, 4095 })
            Assert.That(_probe.Read((ulong)at, 1), Is.EqualTo(data[at..(at + 1)]));
        Assert.That(_probe.Read(Size - 1, 1), Is.EqualTo(new byte[1]));
    }

    [TestCase(NBD_CMD_READ, NBD_CMD_FLAG_FUA, 0u)]
    [TestCase(NBD_CMD_WRITE, NBD_CMD_FLAG_FUA, 0u)]
    [TestCase(NBD_CMD_FLUSH, NBD_CMD_FLAG_FUA, 0u)]
    [TestCase(NBD_CMD_TRIM, NBD_CMD_FLAG_FUA, 0u)]
    [TestCase(NBD_CMD_WRITE_ZEROES, NBD_CMD_FLAG_FUA, 0u)]
    [TestCase(NBD_CMD_WRITE_ZEROES, NBD_CMD_FLAG_FUA | NBD_CMD_FLAG_NO_HOLE, 0u)]
    [TestCase(NBD_CMD_READ, NBD_CMD_FLAG_NO_HOLE, NBD_EINVAL)]
    [TestCase(NBD_CMD_WRITE, NBD_CMD_FLAG_NO_HOLE, NBD_EINVAL)]
    [TestCase(NBD_CMD_FLUSH, NBD_CMD_FLAG_NO_HOLE, NBD_EINVAL)]
    [TestCase(NBD_CMD_TRIM, NBD_CMD_FLAG_NO_HOLE, NBD_EINVAL)]
    [TestCase(NBD_CMD_CACHE, NBD_CMD_FLAG_FUA, 0u)]
    [TestCase(NBD_CMD_CACHE, NBD_CMD_FLAG_FAST_ZERO, NBD_EINVAL)]
    [TestCase(NBD_CMD_READ, NBD_CMD_FLAG_DF, NBD_EINVAL)]
    [TestCase(NBD_CMD_READ, NBD_CMD_FLAG_REQ_ONE, NBD_EINVAL)]
    [TestCase(NBD_CMD_READ, NBD_CMD_FLAG_FAST_ZERO, NBD_EINVAL)]
    [TestCase(NBD_CMD_WRITE_ZEROES, NBD_CMD_FLAG_FAST_ZERO, NBD_ENOTSUP)]
    [TestCase(NBD_CMD_WRITE, NBD_CMD_FLAG_PAYLOAD_LEN, NBD_EINVAL)]
    [TestCase(NBD_CMD_READ, 1 << 15, NBD_EINVAL)]
    [TestCase(NBD_CMD_WRITE, 1 << 15, NBD_EINVAL)]
    [TestCase(NBD_CMD_FLUSH, 1 << 15, NBD_EINVAL)]
    [TestCase(NBD_CMD_TRIM, 1 << 15, NBD_EINVAL)]
    [TestCase(NBD_CMD_WRITE_ZEROES, 1 << 15, NBD_EINVAL)]
    public void Flags_are_taken_where_they_belong_and_nowhere_else(int command, int flags, uint error)
    {
        // Goal: 2.8, 2.16: unknown flags and flags on the wrong command EINVAL, FUA on everything, payload consumed.
        uint length = command == NBD_CMD_FLUSH ? 0u : 4096u;
        _probe.Send(NbdProbe.Request((ushort)command, 0, length, 77, (ushort)flags));
        if (command == NBD_CMD_WRITE)
            _probe.Send(new byte[length]);
        Assert.That(_probe.Expect(77), Is.EqualTo(error));
        if (command == NBD_CMD_READ && error == 0)
            _probe.Receive((int)length);
        Assert.That(_probe.Call(NBD_CMD_FLUSH, 0, 0), Is.Zero, "the next request");
    }

    [TestCase(NBD_CMD_BLOCK_STATUS)]
    [TestCase(Resize)]
    [TestCase(9)]
    [TestCase(0xffff)]
    public void Unknown_commands_are_invalid_and_carry_no_payload(int command)
    {
        // Goal: 2.9, only WRITE has a payload: what follows an unknown command is the next request.
        _probe.Send(
            [.. NbdProbe.Request((ushort)command, 0, 4096, 1), .. NbdProbe.Request((ushort)command, 0, 0, 2),
                .. NbdProbe.Request(NBD_CMD_FLUSH, 0, 0, 3)]);
        Assert.That(_probe.Expect(1), Is.EqualTo(NBD_EINVAL));
        Assert.That(_probe.Expect(2), Is.EqualTo(NBD_EINVAL));
        Assert.That(_probe.Expect(3), Is.Zero);
    }

    [Test]
    public void A_request_without_its_magic_ends_the_connection()
    {
        // Goal: T1.
        _probe.Send(NbdProbe.Request(NBD_CMD_READ, 0, 512, 1, magic: 0x12560953));
        _probe.ExpectClosed();
        Assert.That(_server.Log.WaitFor(3012), Does.Contain("without the request magic"));
    }

    [Test]
    public void Cookies_come_back_byte_for_byte()
    {
        // Goal: 2.6, the cookie is opaque; one may be used twice.
        foreach (ulong cookie in new ulong[] { 0, ulong.MaxValue, 0x0123456789abcdef, 0x0123456789abcdef })
        {
            _probe.Send(NbdProbe.Request(NBD_CMD_FLUSH, 0, 0, cookie));
            Assert.That(_probe.Expect(cookie), Is.Zero);
        }
    }

    [TestCase(Errno.EIO, NBD_EIO)]
    [TestCase(Errno.ENOSPC, NBD_ENOSPC)]
    [TestCase(Errno.EDQUOT, NBD_ENOSPC)]
    [TestCase(Errno.EFBIG, NBD_ENOSPC)]
    [TestCase(Errno.EROFS, NBD_EPERM)]
    [TestCase(Errno.EPERM, NBD_EPERM)]
    [TestCase(Errno.EINVAL, NBD_EINVAL)]
    [TestCase(Errno.EOPNOTSUPP, NBD_EINVAL)]
    [TestCase(Errno.ENOMEM, NBD_ENOMEM)]
    [TestCase(Errno.EOVERFLOW, NBD_EOVERFLOW)]
    [TestCase(Errno.ESHUTDOWN, NBD_ESHUTDOWN)]
    [TestCase(Errno.ETIMEDOUT, NBD_EIO)]
    [TestCase(Errno.ENXIO, NBD_EIO)]
    [TestCase((Errno)12345, NBD_EIO)]
    public void Errors_of_the_device_are_told_by_the_names_that_the_wire_has(Errno errno, uint error)
    {
        // Goal: 2.15; and a READ that fails carries no data.
        _server.OnLoop(d => d.FailAll(errno));
        Assert.That(_probe.Call(NBD_CMD_READ, 0, 4096), Is.EqualTo(error), "READ");
        Assert.That(_probe.Write(0, new byte[512]), Is.EqualTo(error), "WRITE");
        Assert.That(_probe.Call(NBD_CMD_FLUSH, 0, 0), Is.EqualTo(error), "FLUSH");
        Assert.That(_probe.Call(NBD_CMD_TRIM, 0, 512), Is.EqualTo(error), "TRIM");
        _server.OnLoop(d => d.Heal());
        Assert.That(_probe.Read(0, 512), Is.EqualTo(new byte[512]));
    }

    [Test]
    public void Flush_reaches_the_device_whatever_its_reserved_fields_hold()
    {
        // Goal: 2.9, offset and length of FLUSH are reserved: a client that fills them still means a flush.
        Assert.That(_probe.Call(NBD_CMD_FLUSH, 0, 0), Is.Zero);
        Assert.That(_probe.Call(NBD_CMD_FLUSH, ulong.MaxValue, 12345), Is.Zero);
        Assert.That(
            _server.OnLoop(d => d.Log.Select(c => c.Operation).ToArray()),
            Is.EqualTo(new[] { BlockOperation.Flush, BlockOperation.Flush }));
    }

    [Test]
    public void Fua_reaches_the_device_with_changes_and_not_with_reads()
    {
        // Goal: 2.8, 2.9: durable before the reply.
        _probe.Write(0, new byte[512], NBD_CMD_FLAG_FUA);
        _probe.Call(NBD_CMD_TRIM, 0, 512, NBD_CMD_FLAG_FUA);
        _probe.Call(NBD_CMD_WRITE_ZEROES, 0, 512, NBD_CMD_FLAG_FUA | NBD_CMD_FLAG_NO_HOLE);
        _probe.Call(NBD_CMD_READ, 0, 512, NBD_CMD_FLAG_FUA);
        _probe.Receive(512);
        Assert.That(_server.OnLoop(d => d.Log.Select(c => (c.Operation, c.Flags)).ToArray()), Is.EqualTo(new[]
        {
            (BlockOperation.Write, BlockFlags.Fua),
            (BlockOperation.Discard, BlockFlags.Fua),
            (BlockOperation.WriteZeroes, BlockFlags.Fua | BlockFlags.NoUnmap),
            (BlockOperation.Read, BlockFlags.None),
        }));
    }
}
