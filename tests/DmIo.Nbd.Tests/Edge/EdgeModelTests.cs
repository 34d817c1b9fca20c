using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>
/// The export's edge against a plain array: whatever is asked, in bytes, happens to those bytes alone (rule 7).
/// </summary>
internal sealed class EdgeModelTests
{
    private const int SizeBytes = 256 << 10;
    private const int Rounds = 400;

    [Test]
    public void Random_requests_do_what_they_do_to_an_array(
        [Values(512, 4096)] int blockBytes, [Values(1, 4096)] int memoryAlignment, [Values] bool canZero)
    {
        // Goal: reads round out, writes patch, TRIM rounds inwards, WRITE_ZEROES patches its edges.
        int seed = Random.Shared.Next();
        TestContext.Out.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var server = new TestServer(
            sizeBytes: SizeBytes, blockBytes: blockBytes, memoryAlignmentBytes: memoryAlignment,
            device: d =>
            {
                d.DiscardCapability = new Sectors(40);
                d.WriteZeroesCapability = new Sectors(canZero ? 24 : 0);
            });
        using NbdProbe probe = server.Go();
        byte[] model = new byte[SizeBytes];
        for (int i = 0; i < Rounds; i++)
        {
            (int at, int length) = Range(random, blockBytes);
            ushort fua = random.Next(4) == 0 ? NBD_CMD_FLAG_FUA : (ushort)0;
            string what = $"seed {seed}, round {i}, {length} bytes at {at}";
            switch (random.Next(4))
            {
                case 0:
                    Assert.That(probe.Read((ulong)at, length).AsSpan().SequenceEqual(model.AsSpan(at, length)), what);
                    break;
                case 1:
                    random.NextBytes(model.AsSpan(at, length));
                    Assert.That(probe.Write((ulong)at, model.AsSpan(at, length), fua), Is.Zero, what);
                    break;
                case 2:
                    model.AsSpan(at, length).Clear();
                    Assert.That(probe.Call(NBD_CMD_WRITE_ZEROES, (ulong)at, (uint)length, fua), Is.Zero, what);
                    break;
                default:
                    // The scripted device zeroes what it discards, so the model knows what became of every byte.
                    int first = (at + blockBytes - 1) / blockBytes * blockBytes;
                    int end = (at + length) / blockBytes * blockBytes;
                    if (end > first)
                        model.AsSpan(first, end - first).Clear();
                    Assert.That(probe.Call(NBD_CMD_TRIM, (ulong)at, (uint)length, fua), Is.Zero, what);
                    break;
            }
        }
        Assert.That(server.Contents().AsSpan().SequenceEqual(model), $"seed {seed}, at the end");
    }

    [Test]
    public void Concurrent_unaligned_changes_of_neighbours_lose_nothing([Values(512, 4096)] int blockBytes)
    {
        // Goal: read-modify-write holds its turn: many writers of single bytes in the same blocks, none undone by
        // another.
        using var server = new TestServer(blockBytes: blockBytes);
        const int Writers = 4;
        const int BytesEach = 2048;
        NbdProbe[] probes = [.. Enumerable.Range(0, Writers).Select(_ => server.Go())];
        Parallel.For(0, Writers, new ParallelOptions { MaxDegreeOfParallelism = Writers }, w =>
        {
            var session = new MemoryStream();
            for (int i = 0; i < BytesEach; i++)
            {
                session.Write(NbdProbe.Request(NBD_CMD_WRITE, (ulong)(i * Writers + w), 1, (ulong)i));
                session.WriteByte((byte)(w + 1));
            }
            Task sending = Task.Run(() => probes[w].Send(session.ToArray()));
            for (int i = 0; i < BytesEach; i++)
                Assert.That(probes[w].ReadReply().Error, Is.Zero);
            TestServer.Wait(sending);
        });
        byte[] contents = server.Contents();
        for (int i = 0; i < Writers * BytesEach; i++)
            Assert.That(contents[i], Is.EqualTo(i % Writers + 1), $"byte {i}");
        foreach (NbdProbe probe in probes)
            probe.Dispose();
    }

    private static (int At, int Length) Range(Random random, int blockBytes)
    {
        // Often a boundary of a block or a byte beside one, where mistakes live.
        int at = random.Next(3) == 0 ? Near(random, blockBytes) : random.Next(SizeBytes);
        int most = random.Next(3) == 0 ? SizeBytes - at : Math.Min(SizeBytes - at, 3 * blockBytes);
        int length = random.Next(most + 1);
        if (random.Next(3) == 0)
            length = length / blockBytes * blockBytes;
        return (at, length);
    }

    private static int Near(Random random, int blockBytes) =>
        Math.Clamp(random.Next(SizeBytes / blockBytes) * blockBytes + random.Next(-1, 2), 0, SizeBytes - 1);
}
