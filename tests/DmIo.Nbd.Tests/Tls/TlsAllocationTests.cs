using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>TLS on the hot path makes no garbage of its own (rule 2).</summary>
internal sealed class TlsAllocationTests
{
    private const int Batches = 200;
    private const int Batch = 100;

    // Less than a byte for each request: what asking on the loop costs.
    private const int MostBytes = 16_000;

    [TestCase(NBD_CMD_READ)]
    [TestCase(NBD_CMD_WRITE)]
    public void Requests_in_tls_allocate_next_to_nothing(int command)
    {
        // Goal: decryption, waiting and encryption live from pools, the library's own and ours.
        using var rig = new TlsRig();
        var memory = new PassThroughDevice(new MemoryDevice(rig.Server.Loop, "memory", new Sectors(2048)));
        rig.Server.Server.AddExport(new NbdExport("memory", memory, readOnly: false));
        using NbdProbe probe = rig.Go("memory");
        Run(probe, (ushort)command);
        long before = rig.Server.OnLoop(_ => GC.GetAllocatedBytesForCurrentThread());
        Run(probe, (ushort)command);
        long after = rig.Server.OnLoop(_ => GC.GetAllocatedBytesForCurrentThread());
        TestContext.Out.WriteLine($"{after - before} bytes for {Batches * Batch} requests");
        Assert.That(after - before, Is.LessThan(MostBytes));
    }

    private static void Run(NbdProbe probe, ushort command)
    {
        for (int i = 0; i < Batches; i++)
        {
            var batch = new MemoryStream();
            for (int n = 0; n < Batch; n++)
            {
                batch.Write(NbdProbe.Request(command, (ulong)(n * 512), 512, (ulong)n));
                if (command == NBD_CMD_WRITE)
                    batch.Write(new byte[512]);
            }
            probe.Send(batch.ToArray());
            for (int n = 0; n < Batch; n++)
            {
                Assert.That(probe.ReadReply().Error, Is.Zero);
                if (command == NBD_CMD_READ)
                    probe.Receive(512);
            }
        }
    }
}
