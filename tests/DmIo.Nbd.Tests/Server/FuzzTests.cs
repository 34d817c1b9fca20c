using System.Net.Sockets;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>Clients that send nonsense: nothing crashes, nothing hangs, nothing is left behind.</summary>
internal sealed class FuzzTests
{
    private const int Sessions = 400;

    [Test]
    public void After_any_nonsense_the_next_client_is_served([Values] bool overTcp)
    {
        // Goal: whole sessions with bytes changed, left out or cut short, closed or reset at any point.
        int seed = Random.Shared.Next();
        TestContext.Out.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var server = new TestServer(overTcp: overTcp);
        for (int i = 0; i < Sessions; i++)
        {
            using NbdProbe probe = server.Connect();
            byte[] session = Spoil(random, Session(random));
            try
            {
                int pieces = random.Next(1, 4);
                foreach (byte[] piece in session.Chunk(Math.Max(1, session.Length / pieces)))
                    probe.Send(piece);
                if (random.Next(3) == 0)
                    probe.FinishSending();
                if (random.Next(3) == 0)
                    _ = probe.Socket.Receive(new byte[random.Next(1, 5000)]);
                if (random.Next(3) == 0)
                    probe.Reset();
            }
            catch (SocketException)
            {
                // The server hung up on it, as it should.
            }
        }
        server.WaitForConnections(0);
        using NbdProbe next = server.Go();
        Assert.That(next.Write(0, Bytes.Random(4096, seed)), Is.Zero, $"seed {seed}");
        Assert.That(next.Read(0, 4096), Is.EqualTo(Bytes.Random(4096, seed)), $"seed {seed}");
    }

    private static byte[] Session(Random random)
    {
        var session = new MemoryStream();
        session.Write(Bytes.U32(NBD_FLAG_C_FIXED_NEWSTYLE | NBD_FLAG_C_NO_ZEROES));
        for (int i = random.Next(3); i > 0; i--)
            session.Write(NbdProbe.Option((uint)random.Next(13), Bytes.Random(random.Next(40), i)));
        int form = random.Next(3);
        if (form > 0)
        {
            session.Write(NbdProbe.Option(form == 1 ? NBD_OPT_STRUCTURED_REPLY : NBD_OPT_EXTENDED_HEADERS));
            session.Write(NbdProbe.Option(
                NBD_OPT_SET_META_CONTEXT, NbdProbe.Meta("", "base:allocation", "x-dmio:failed-legs")));
        }
        session.Write(NbdProbe.Option(NBD_OPT_GO, NbdProbe.Info("vol0", NBD_INFO_BLOCK_SIZE)));
        for (int i = random.Next(6); i > 0; i--)
        {
            var type = (ushort)random.Next(9);
            uint length = (uint)random.Next(9000);
            int flags = random.Next(3) == 0 ? 1 << random.Next(6) : 0;
            ulong offset = (ulong)random.Next(1 << 20);
            bool hasPayload = type == NBD_CMD_WRITE;
            if (form == 2)
            {
                flags |= hasPayload ? NBD_CMD_FLAG_PAYLOAD_LEN : 0;
                hasPayload = (flags & NBD_CMD_FLAG_PAYLOAD_LEN) != 0;
                session.Write(NbdProbe.ExtendedRequest(type, offset, length, (ulong)i, flags));
            }
            else
            {
                session.Write(NbdProbe.Request(type, offset, length, (ulong)i, (ushort)flags));
            }
            if (hasPayload)
                session.Write(Bytes.Random((int)length, i));
        }
        return session.ToArray();
    }

    private static byte[] Spoil(Random random, byte[] session)
    {
        for (int i = random.Next(4); i > 0; i--)
            session[random.Next(session.Length)] ^= (byte)(1 << random.Next(8));
        int cut = random.Next(session.Length);
        int gone = random.Next(Math.Min(50, session.Length - cut));
        return random.Next(4) switch
        {
            0 => session[..cut],
            1 => [.. session[..cut], .. session[(cut + gone)..]],
            2 => [.. session[..cut], .. Bytes.Random(gone, cut), .. session[cut..]],
            _ => session,
        };
    }
}
