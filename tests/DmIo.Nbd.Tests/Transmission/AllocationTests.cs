using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>The hot path makes no garbage (rule 2).</summary>
internal sealed class AllocationTests
{
    private const int Requests = 20_000;

    // Less than a byte for each request: what asking on the loop costs, and nothing that grows with them.
    private const int MostBytes = 16_000;

    [TestCase(NBD_CMD_READ, 0)]
    [TestCase(NBD_CMD_READ, 1)]
    [TestCase(NBD_CMD_WRITE, 0)]
    [TestCase(NBD_CMD_WRITE, 1)]
    [TestCase(NBD_CMD_WRITE_ZEROES, 1)]
    [TestCase(NBD_CMD_FLUSH, 0)]
    public void Requests_allocate_nothing(int command, int offset)
    {
        // Goal: a warm connection serves thousands of requests from its pools.
        using var server = new TestServer();
        var memory = new PassThroughDevice(new MemoryDevice(server.Loop, "memory", new Sectors(2048)));
        server.Server.AddExport(new NbdExport("memory", memory, readOnly: false));
        using NbdProbe probe = server.Connect().Go("memory");
        Run(probe, (ushort)command, offset);
        long before = server.OnLoop(_ => GC.GetAllocatedBytesForCurrentThread());
        Run(probe, (ushort)command, offset);
        long after = server.OnLoop(_ => GC.GetAllocatedBytesForCurrentThread());
        Assert.That(after - before, Is.LessThan(MostBytes));
    }

    [TestCase(ReplyForm.Structured, 0)]
    [TestCase(ReplyForm.Structured, 1)]
    [TestCase(ReplyForm.Extended, 1)]
    public void Reads_answered_by_chunks_allocate_nothing(object form, int offset)
    {
        // Goal: neither data chunks nor holes make garbage: half of the device is zeroes.
        using var server = new TestServer();
        var memory = new PassThroughDevice(new MemoryDevice(server.Loop, "memory", new Sectors(2048)));
        server.Server.AddExport(new NbdExport("memory", memory, readOnly: false), isDefault: true);
        using (NbdProbe writer = server.Go())
            Assert.That(writer.Write(0, Bytes.Random(32 << 10, 1)), Is.Zero);
        using NbdProbe probe = server.Connect().GoWith((ReplyForm)form);
        RunChunks(probe, offset);
        long before = server.OnLoop(_ => GC.GetAllocatedBytesForCurrentThread());
        RunChunks(probe, offset);
        long after = server.OnLoop(_ => GC.GetAllocatedBytesForCurrentThread());
        Assert.That(after - before, Is.LessThan(MostBytes));
    }

    private static void RunChunks(NbdProbe probe, int offset)
    {
        const int Batch = 100;
        for (int i = 0; i < Requests / Batch; i++)
        {
            var batch = new MemoryStream();
            for (int n = 0; n < Batch; n++)
            {
                batch.Write(probe.Form == ReplyForm.Extended
                    ? NbdProbe.ExtendedRequest(NBD_CMD_READ, (ulong)(n * 512 + offset), 512, (ulong)n)
                    : NbdProbe.Request(NBD_CMD_READ, (ulong)(n * 512 + offset), 512, (ulong)n));
            }
            probe.Send(batch.ToArray());
            for (int n = 0; n < Batch; n++)
                Assert.That(probe.ReadChunk().IsDone);
        }
    }

    private static void Run(NbdProbe probe, ushort command, int offset)
    {
        const int Batch = 100;
        for (int i = 0; i < Requests / Batch; i++)
        {
            var batch = new MemoryStream();
            for (int n = 0; n < Batch; n++)
            {
                batch.Write(NbdProbe.Request(command, (ulong)(n * 512 + offset), 512, (ulong)n));
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
