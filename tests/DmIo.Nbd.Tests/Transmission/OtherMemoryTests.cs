using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>Reads that a device answers from memory of its own, because theirs may still be written to.</summary>
internal sealed class OtherMemoryTests
{
    [TestCase(0, 4096)]
    [TestCase(100, 5000)]
    [TestCase(1, 1)]
    [TestCase(0, 1 << 20)]
    public void A_read_is_answered_with_what_the_device_says(int offset, int length)
    {
        // Goal: the client gets another leg's bytes, the late read lands in memory that nobody looks at any more.
        using var server = new TestServer(device: d => d.Holds = true);
        server.OnLoop(d => d.Contents().Fill(0xbb));
        using NbdProbe probe = server.Go();
        probe.Send(NbdProbe.Request(NBD_CMD_READ, (ulong)offset, (uint)length, 1));
        (OtherMemory other, byte[] bytes) = AnswerHeldRead(server, 1, land: true);
        int from = offset % 512;
        Assert.That(probe.Expect(1), Is.Zero);
        Assert.That(probe.Receive(length), Is.EqualTo(bytes[from..(from + length)]));
        server.OnLoop(d => d.Holds = false);
        Assert.That(probe.Read(0, 512), Is.All.EqualTo(0xbb));
        Assert.That(server.OnLoop(_ => other.Releases), Is.EqualTo(1));
        Assert.That(server.Server.PinnedBytes, Is.Zero);
    }

    [Test]
    public void Memory_is_given_back_when_nobody_takes_the_answer()
    {
        // Goal: a connection that died while its read hung leaks neither the device's buffer nor its own.
        using var server = new TestServer(device: d => d.Holds = true);
        using (NbdProbe probe = server.Go())
        {
            probe.Send(NbdProbe.Request(NBD_CMD_READ, 0, 4096, 1));
            server.WaitForHeld(1);
        }
        (OtherMemory other, _) = AnswerHeldRead(server, 2, land: false);
        server.WaitForConnections(0);
        Assert.That(server.OnLoop(_ => other.Releases), Is.EqualTo(1));
        Assert.That(server.Server.PinnedBytes, Is.EqualTo(4096));
        server.OnLoop(d => d.LandAll());
        Assert.That(server.Server.PinnedBytes, Is.Zero);
    }

    [TestCase(NBD_CMD_WRITE, 600, 100, 2)]
    [TestCase(NBD_CMD_WRITE, 600, 1000, 3)]
    [TestCase(NBD_CMD_WRITE_ZEROES, 600, 100, 2)]
    [TestCase(NBD_CMD_WRITE_ZEROES, 600, 1000, 5)]
    public void The_blocks_around_an_unaligned_change_come_from_there_as_well(
        int command, int offset, int length, int steps)
    {
        // Goal: no leg that hangs fails or falsifies a read-modify-write; each of its reads is left to land alone.
        using var server = new TestServer(device: d => d.Holds = true);
        using NbdProbe probe = server.Go();
        byte[] data = command == NBD_CMD_WRITE ? Bytes.Random(length, 3) : new byte[length];
        probe.Send(NbdProbe.Request((ushort)command, (ulong)offset, (uint)length, 1));
        if (command == NBD_CMD_WRITE)
            probe.Send(data);
        byte[] expected = new byte[TestServer.DefaultBytes];
        int reads = 0;
        for (; steps > 0; steps--)
        {
            server.WaitForHeld(1);
            if (server.OnLoop(d => d.Held[0].Operation) != BlockOperation.Read)
            {
                server.OnLoop(d => d.ReleaseFirst());
                continue;
            }
            long at = server.OnLoop(d => d.Held[0].Start.Bytes);
            (OtherMemory other, byte[] bytes) = AnswerHeldRead(server, 10 + reads++, land: false);
            bytes.CopyTo(expected, at);
            Assert.That(server.OnLoop(_ => other.Releases), Is.EqualTo(1), "copied at once");
        }
        Assert.That(probe.Expect(1), Is.Zero);
        data.CopyTo(expected, offset);
        Assert.That(server.Contents(), Is.EqualTo(expected));
        Assert.That(server.Server.PinnedBytes, Is.EqualTo(reads * 4096L));
        server.OnLoop(d => d.LandAll());
        Assert.That(server.Server.PinnedBytes, Is.Zero);
        Assert.That(server.OnLoop(_ => server.Export.Turns.Count), Is.Zero);
    }

    [Test]
    public void A_write_is_not_answered_from_other_memory()
    {
        // Goal: only what the server sends on or copies is offered to devices.
        using var server = new TestServer(device: d => d.Holds = true);
        using NbdProbe probe = server.Go();
        probe.Send([.. NbdProbe.Request(NBD_CMD_WRITE, 0, 512, 1), .. Bytes.Random(512, 1)]);
        server.WaitForHeld(1);
        Assert.That(server.OnLoop(d => d.Held[0].TakesOtherMemory), Is.False);
    }

    // Answers the read that is held from other memory, with a hold; the late read lands before or after the reply.
    private static (OtherMemory Memory, byte[] Bytes) AnswerHeldRead(TestServer server, int seed, bool land)
    {
        server.WaitForHeld(1);
        return server.OnLoop(d =>
        {
            BlockRequest read = d.Held[0];
            var other = new OtherMemory(read.Count, seed);
            byte[] bytes = other.Buffer.Span.ToArray();
            read.AnswerWith(other.Buffer.Vector, other);
            d.CompleteEarly(read);
            if (land)
                d.Land(read);
            return (other, bytes);
        });
    }
}
