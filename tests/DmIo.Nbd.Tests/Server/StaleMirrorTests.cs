using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>Stale requests on the whole way to a mirror's legs (rule 5): the legs are equal, and hold what was sent last.</summary>
internal sealed class StaleMirrorTests
{
    // More than any socket's buffers take.
    private const int Many = 4000;
    private const int PieceBytes = 24 << 10;

    [TestCase(false, Ending.Closed, 1)]
    [TestCase(false, Ending.ShutDown, 2)]
    [TestCase(true, Ending.Closed, 3)]
    [TestCase(true, Ending.ShutDown, 4)]
    [TestCase(true, Ending.Reset, 5)]
    public void Behind_a_slow_leg_nothing_of_a_dead_client_lands_on_what_is_sent_again(
        bool overTcp, Ending ending, int seed)
    {
        // Goal: writes, trims and zeroes at any byte fill the client's buffers while a leg hangs; it dies in the middle
        // and a new client writes the same ranges, again at any byte.
        using var server = new MirrorServer(overTcp);
        using NbdProbe old = server.Go();
        using NbdProbe other = server.Go();
        var random = new Random(seed);
        int slow = random.Next(2);
        server.Hold(slow, true);
        byte[] stale = OldRequests(random);
        Assert.That(old.SendUntilFull(stale), Is.LessThan(stale.Length));
        old.End(ending);
        byte[] data = Bytes.Random(MirrorServer.SizeBytes, seed);
        int count = 0;
        for (int at = 0, length; at < data.Length; at += length, count++)
        {
            length = Math.Min(random.Next(1, PieceBytes), data.Length - at);
            other.Send([.. NbdProbe.Request(NBD_CMD_WRITE, (ulong)at, (uint)length), .. data.AsSpan(at, length)]);
        }
        server.Hold(slow, false);
        for (int i = 0; i < count; i++)
            Assert.That(other.ReadReply().Error, Is.Zero, $"seed {seed}");
        Assert.That(() => server.Server.ConnectionCount, Is.EqualTo(1).After(5000, 2));
        Assert.That(() => server.Turns, Is.Zero.After(5000, 2));
        Assert.That(other.Call(NBD_CMD_FLUSH, 0, 0), Is.Zero);
        foreach (int leg in new[] { 0, 1 })
        {
            byte[] contents = server.OnLoop(() => server.Legs[leg].Contents().ToArray());
            Assert.That(contents.AsSpan().SequenceEqual(data), $"leg {leg}, seed {seed}");
        }
    }

    private static byte[] OldRequests(Random random)
    {
        var bytes = new MemoryStream();
        byte[] old = Bytes.Random(PieceBytes, random.Next());
        for (int i = 0; i < Many; i++)
        {
            int length = random.Next(1, PieceBytes);
            ulong at = (ulong)random.Next(MirrorServer.SizeBytes - length);
            ushort type = i % 8 == 1 ? NBD_CMD_TRIM : i % 8 == 2 ? NBD_CMD_WRITE_ZEROES : NBD_CMD_WRITE;
            bytes.Write(NbdProbe.Request(type, at, (uint)length, (ulong)i));
            if (type == NBD_CMD_WRITE)
                bytes.Write(old, 0, length);
        }
        return bytes.ToArray();
    }
}
