using DmIo.Testing;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>
/// Which operations on the device a byte-granular request becomes, in which order, and under which turn.
/// </summary>
internal sealed class EdgeStepTests
{
    private static readonly (BlockOperation, int, int)[] s_none = [];

    private const BlockOperation R = BlockOperation.Read;
    private const BlockOperation W = BlockOperation.Write;
    private const BlockOperation D = BlockOperation.Discard;
    private const BlockOperation Z = BlockOperation.WriteZeroes;

    private static object[][] Cases() =>
    [
        [NBD_CMD_READ, 0, 512, Steps((R, 0, 1))],
        [NBD_CMD_READ, 511, 2, Steps((R, 0, 2))],
        [NBD_CMD_WRITE, 512, 512, Steps((W, 1, 1))],
        [NBD_CMD_WRITE, 512, 100, Steps((R, 1, 1), (W, 1, 1))],
        [NBD_CMD_WRITE, 600, 100, Steps((R, 1, 1), (W, 1, 1))],
        [NBD_CMD_WRITE, 600, 424, Steps((R, 1, 1), (W, 1, 1))],
        [NBD_CMD_WRITE, 600, 936, Steps((R, 1, 1), (W, 1, 2))],
        [NBD_CMD_WRITE, 512, 1000, Steps((R, 2, 1), (W, 1, 2))],
        [NBD_CMD_WRITE, 600, 1000, Steps((R, 1, 1), (R, 3, 1), (W, 1, 3))],
        [NBD_CMD_TRIM, 512, 1024, Steps((D, 1, 2))],
        [NBD_CMD_TRIM, 500, 1600, Steps((D, 1, 3))],
        [NBD_CMD_TRIM, 513, 1022, s_none],
        [NBD_CMD_TRIM, 513, 1, s_none],
        [NBD_CMD_WRITE_ZEROES, 512, 1024, Steps((Z, 1, 2))],
        [NBD_CMD_WRITE_ZEROES, 600, 1, Steps((R, 1, 1), (W, 1, 1))],
        [NBD_CMD_WRITE_ZEROES, 600, 936, Steps((R, 1, 1), (W, 1, 1), (Z, 2, 1))],
        [NBD_CMD_WRITE_ZEROES, 512, 1000, Steps((Z, 1, 1), (R, 2, 1), (W, 2, 1))],
    ];

    [TestCaseSource(nameof(Cases))]
    public void A_request_becomes_whole_blocks(
        ushort command, int offset, int length, (BlockOperation, int, int)[] steps)
    {
        // Goal: no block is read or written that need not be.
        using var server = new TestServer();
        using NbdProbe probe = server.Go();
        Send(probe, command, offset, length, 0);
        Assert.That(
            server.OnLoop(d => d.Log.Select(c => (c.Operation, (int)c.Start.Count, (int)c.Count.Count)).ToArray()),
            Is.EqualTo(steps));
    }

    [TestCase(NBD_CMD_WRITE, 600, 1000)]
    [TestCase(NBD_CMD_TRIM, 0, 65536)]
    [TestCase(NBD_CMD_WRITE_ZEROES, 0, 65536)]
    [TestCase(NBD_CMD_WRITE_ZEROES, 100, 100)]
    [TestCase(NBD_CMD_WRITE_ZEROES, 100, 10_000)]
    public void What_must_be_durable_is_so_before_the_reply(int command, int offset, int length)
    {
        // Goal: 2.9: with FUA the last step is a durable one or a flush, also where a request became several.
        using var server = new TestServer(device: d => d.DiscardCapability = d.WriteZeroesCapability = new Sectors(8));
        using NbdProbe probe = server.Go();
        Send(probe, (ushort)command, offset, length, NBD_CMD_FLAG_FUA);
        ScriptedCall last = server.OnLoop(d => d.Log[^1]);
        Assert.That(last.Operation == BlockOperation.Flush || (last.Flags & BlockFlags.Fua) != 0);
    }

    [TestCase(BlockOperation.Read)]
    [TestCase(BlockOperation.Write)]
    public void A_step_that_fails_ends_the_request_and_gives_the_turn_back(BlockOperation failing)
    {
        // Goal: errors of inner steps are told, nothing is written after a failed read, the next request goes on.
        using var server = new TestServer(device: d => d.FailAll(Errno.EIO, failing));
        using NbdProbe probe = server.Go();
        Assert.That(probe.Write(100, new byte[1000]), Is.EqualTo(NBD_EIO));
        Assert.That(probe.Call(NBD_CMD_WRITE_ZEROES, 100, 1000), Is.EqualTo(NBD_EIO));
        Assert.That(server.OnLoop(d => d.Log.Any(c => c.Operation == BlockOperation.Write)),
            Is.EqualTo(failing == BlockOperation.Write));
        server.OnLoop(d => d.Heal());
        Assert.That(probe.Write(100, new byte[1000]), Is.Zero);
        Assert.That(server.OnLoop(_ => server.Export.Turns.Count), Is.Zero);
    }

    [Test]
    public void An_overlapping_write_waits_until_a_patched_one_is_written()
    {
        // Goal: rule 5: nothing comes between the read and the write of a read-modify-write.
        using var server = new TestServer(device: d => d.Holds = true);
        using NbdProbe probe = server.Go();
        using NbdProbe other = server.Go();
        probe.Send([.. NbdProbe.Request(NBD_CMD_WRITE, 100, 10, 1), .. Enumerable.Repeat((byte)1, 10)]);
        server.WaitForHeld(1);
        other.Send([.. NbdProbe.Request(NBD_CMD_WRITE, 0, 512, 2), .. Enumerable.Repeat((byte)2, 512)]);
        other.ExpectSilence(50);
        Assert.That(server.OnLoop(d => d.Held.Count), Is.EqualTo(1), "the patched write's read alone");
        server.OnLoop(d => d.Holds = false);
        server.OnLoop(d => d.ReleaseAll());
        Assert.That(probe.Expect(1), Is.Zero);
        Assert.That(other.Expect(2), Is.Zero);
        Assert.That(server.Contents()[..512], Is.All.EqualTo(2));
    }

    [Test]
    public void A_tail_that_fills_no_block_is_not_exported()
    {
        // Goal: a device whose length is not whole blocks has bytes at its end that no request could reach.
        using var server = new TestServer(sizeBytes: 65536 + 512, blockBytes: 4096);
        using NbdProbe probe = server.Go();
        Assert.That(probe.Export.Size, Is.EqualTo(65536));
        Assert.That(probe.Write(65535, [7]), Is.Zero);
        Assert.That(probe.Write(65536, [7]), Is.EqualTo(NBD_ENOSPC));
    }

    private static (BlockOperation, int, int)[] Steps(params (BlockOperation, int, int)[] steps) => steps;

    private static void Send(NbdProbe probe, ushort command, int offset, int length, ushort flags)
    {
        if (command == NBD_CMD_WRITE)
            Assert.That(probe.Write((ulong)offset, new byte[length], flags), Is.Zero);
        else
            Assert.That(probe.Call(command, (ulong)offset, (uint)length, flags), Is.Zero);
        if (command == NBD_CMD_READ)
            probe.Receive(length);
    }
}
