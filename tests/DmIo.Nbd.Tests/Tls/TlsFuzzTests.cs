using System.Net.Sockets;
using System.Security.Authentication;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>Nonsense where TLS is expected, and in the middle of it.</summary>
internal sealed class TlsFuzzTests
{
    private const int Sessions = 150;

    [Test]
    public void After_any_nonsense_the_next_client_is_served([Values] bool overTcp)
    {
        // Goal: records of any type and length, before the handshake and behind it, closed or reset at any point.
        int seed = Random.Shared.Next();
        TestContext.Out.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var rig = new TlsRig(overTcp: overTcp);
        for (int i = 0; i < Sessions; i++)
        {
            using NbdProbe probe = rig.Greet();
            try
            {
                if (random.Next(4) == 0)
                    probe.StartTls();
                else
                    probe.Ask(NBD_OPT_STARTTLS);
                if (random.Next(3) == 0)
                    probe.Send(Bytes.Random(random.Next(200), i));
                probe.SendRaw(Nonsense(random));
                if (random.Next(3) == 0)
                    probe.Socket.Shutdown(SocketShutdown.Send);
                if (overTcp && random.Next(3) == 0)
                    probe.Reset();
            }
            catch (Exception e) when (e is SocketException or IOException or AuthenticationException)
            {
                // The server hung up on it, as it should.
            }
        }
        Assert.That(
            () => rig.Server.Server.ConnectionCount, Is.Zero.After(5000, 5),
            () => $"seed {seed}: {string.Join('\n', rig.Server.Log.Lines.TakeLast(5))}");
        using NbdProbe next = rig.Go();
        Assert.That(next.Write(0, Bytes.Random(4096, seed)), Is.Zero, $"seed {seed}");
        Assert.That(next.Read(0, 4096), Is.EqualTo(Bytes.Random(4096, seed)), $"seed {seed}");
    }

    private static byte[] Nonsense(Random random)
    {
        var all = new MemoryStream();
        for (int n = random.Next(4); n > 0; n--)
        {
            int length = random.Next(3) switch { 0 => random.Next(40), 1 => random.Next(18000), _ => 0xffff };
            all.Write([(byte)random.Next(19, 26), 3, (byte)random.Next(5), (byte)(length >> 8), (byte)length]);
            all.Write(Bytes.Random(random.Next(2) == 0 ? length : random.Next(length + 1), n));
        }
        return all.ToArray();
    }
}
