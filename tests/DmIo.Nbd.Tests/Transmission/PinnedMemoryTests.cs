using DmIo.Testing;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>Requests that are answered while a device still uses their memory (rule 6).</summary>
internal sealed class PinnedMemoryTests
{
    private const int ChunkBytes = 256 << 10;

    [Test]
    public void A_held_write_is_answered_and_its_memory_kept_as_it_is_until_it_lands()
    {
        // Goal: what lands late is what was written, whatever the connection has received meanwhile.
        using var server = new TestServer(device: d => d.Holds = true);
        using NbdProbe probe = server.Go();
        byte[] first = Bytes.Random(512, 1);
        AnswerEarly(server, probe, 0, first);
        server.OnLoop(d => d.Holds = false);
        for (int i = 1; i < 600; i++)
            Assert.That(probe.Write((ulong)i * 512, Bytes.Random(512, 100 + i)), Is.Zero);
        WaitForPinned(server, ChunkBytes);
        server.OnLoop(d => d.LandAll());
        Assert.That(server.Contents()[..512], Is.EqualTo(first));
        Assert.That((server.Server.PinnedBytes, server.Server.MostPinnedBytes), Is.EqualTo((0L, (long)ChunkBytes)));
        Assert.That(probe.Read(512, 512), Is.EqualTo(Bytes.Random(512, 101)));
    }

    [Test]
    public void A_chunk_is_pinned_once_for_all_who_lie_in_it_and_free_after_the_last()
    {
        // Goal: a few small writes that hang cost one chunk; the landing of one does not free the others'.
        using var server = new TestServer(device: d => d.Holds = true);
        using NbdProbe probe = server.Go();
        byte[] data = Bytes.Random(3 * 512, 2);
        var batch = new List<byte>();
        for (int i = 0; i < 3; i++)
            batch.AddRange([.. NbdProbe.Request(NBD_CMD_WRITE, (ulong)i * 512, 512, (ulong)i), .. data[(i * 512)..((i + 1) * 512)]]);
        probe.Send(batch.ToArray());
        server.WaitForHeld(3);
        for (int i = 0; i < 3; i++)
        {
            server.OnLoop(d => d.CompleteEarly(d.Held[0], Errno.ETIMEDOUT));
            Assert.That(probe.Expect((ulong)i), Is.Not.Zero);
        }
        WaitForPinned(server, ChunkBytes);
        server.OnLoop(d => d.Land(d.Early[1]));
        Assert.That(server.Server.PinnedBytes, Is.EqualTo(ChunkBytes));
        server.OnLoop(d => d.LandAll());
        Assert.That(server.Server.PinnedBytes, Is.Zero);
        Assert.That(server.Contents()[..data.Length], Is.EqualTo(data));
    }

    [Test]
    public void What_hangs_cannot_drain_the_pool()
    {
        // Goal: ten times the limit hangs in a device, each answered, and clients are served on.
        const int Bytes1M = 1 << 20;
        var limits = new NbdLimits { MaxPayloadBytes = Bytes1M, MaxBytesInFlightPerLoop = 6 << 20 };
        using var server = new TestServer(limits, device: d => d.Holds = true);
        using NbdProbe probe = server.Go();
        byte[] data = Bytes.Random(Bytes1M, 3);
        for (int i = 0; i < 60; i++)
            AnswerEarly(server, probe, 0, data);
        Assert.That(() => server.Server.PinnedBytes, Is.AtLeast(40L << 20).After(5000, 2));
        server.OnLoop(d => d.Holds = false);
        Assert.That(probe.Read(0, Bytes1M), Is.All.Zero);
        server.OnLoop(d => d.LandAll());
        Assert.That(server.Server.PinnedBytes, Is.Zero);
        Assert.That(probe.Read(0, Bytes1M), Is.EqualTo(data));
        Assert.That(server.Server.MostRentedBytes, Is.AtMost(6L << 20));
    }

    [Test]
    public void A_hold_that_ends_before_the_reply_is_sent_pins_nothing()
    {
        // Goal: nothing is given back twice when the landing comes between completion and reply.
        using var server = new TestServer(device: d => d.Holds = true);
        using NbdProbe probe = server.Go();
        for (int i = 0; i < 10; i++)
        {
            probe.Send([.. NbdProbe.Request(NBD_CMD_WRITE, 0, 512, 1), .. Bytes.Random(512, i)]);
            server.WaitForHeld(1);
            server.OnLoop(d =>
            {
                BlockRequest request = d.Held[0];
                d.CompleteEarly(request);
                d.Land(request);
            });
            Assert.That(probe.Expect(1), Is.Zero);
        }
        Assert.That(server.Server.MostPinnedBytes, Is.Zero);
    }

    [Test]
    public void A_connection_may_die_before_its_held_request_has_its_result()
    {
        // Goal: the connection ends with the result, and the memory stays until the landing.
        using var server = new TestServer(device: d => d.Holds = true);
        byte[] data = Bytes.Random(1 << 19, 4);
        using (NbdProbe probe = server.Go())
        {
            probe.Send([.. NbdProbe.Request(NBD_CMD_WRITE, 0, (uint)data.Length, 1), .. data]);
            server.WaitForHeld(1);
        }
        server.OnLoop(d => d.CompleteEarly(d.Held[0], Errno.ETIMEDOUT));
        server.WaitForConnections(0);
        Assert.That(server.Server.PinnedBytes, Is.AtLeast(data.Length));
        server.OnLoop(d => d.LandAll());
        Assert.That(server.Contents()[..data.Length], Is.EqualTo(data));
        Assert.That(server.Server.PinnedBytes, Is.Zero);
    }

    [TestCase(0, 1 << 20)]
    [TestCase(512, 512)]
    [TestCase(100, 5000)]
    public void A_stop_leaves_what_hangs_and_it_lands_in_its_own_memory(int offset, int length)
    {
        // Goal: a stop waits for no landing, and frees no memory under one.
        using var server = new TestServer(device: d => d.Holds = true, sizeBytes: 2 << 20);
        using NbdProbe probe = server.Go();
        byte[] data = Bytes.Random(length, 5);
        probe.Send([.. NbdProbe.Request(NBD_CMD_WRITE, (ulong)offset, (uint)length, 1), .. data]);
        server.WaitForHeld(1);
        ReleaseReads(server);
        server.OnLoop(d => d.CompleteEarly(d.Held[0]));
        Assert.That(probe.Expect(1), Is.Zero);
        TestServer.Wait(server.Server.StopAsync(TimeSpan.FromSeconds(10)));
        Assert.That(server.Log.Of(3020), Is.Empty, "not forced");
        Assert.That(server.Server.PinnedBytes, Is.Positive);
        server.OnLoop(d => d.LandAll());
        Assert.That(server.Contents()[offset..(offset + length)], Is.EqualTo(data));
        Assert.That(server.Server.PinnedBytes, Is.Zero);
    }

    [Test]
    public void Zeroes_that_hang_in_a_device_outlive_the_server()
    {
        // Goal: the one buffer of zeroes, too, is not freed under an operation, and its pieces do not wait for landings.
        using var server = new TestServer(
            device: d => (d.Holds, d.WriteZeroesCapability) = (true, Sectors.Zero), sizeBytes: 4 << 20);
        server.OnLoop(d => d.Contents().Fill(7));
        using NbdProbe probe = server.Go();
        probe.Send(NbdProbe.Request(NBD_CMD_WRITE_ZEROES, 0, 3 << 20, 1));
        for (int i = 0; i < 3; i++)
        {
            server.WaitForHeld(1);
            server.OnLoop(d => d.CompleteEarly(d.Held[0]));
        }
        Assert.That(probe.Expect(1), Is.Zero);
        TestServer.Wait(server.Server.StopAsync(TimeSpan.FromSeconds(10)));
        // What the loop's thread frees it gets again first.
        TestBuffer[] others = server.OnLoop(_ => Enumerable.Range(0, 64).Select(_ => new TestBuffer(64 << 10)).ToArray());
        foreach (TestBuffer other in others)
            other.Span.Fill(9);
        server.OnLoop(d => d.LandAll());
        GC.KeepAlive(others);
        Assert.That(server.Contents()[..(3 << 20)], Is.All.Zero);
        Assert.That(server.Contents()[(3 << 20)..], Is.All.EqualTo(7));
    }

    [Test]
    public void Holds_allocate_nothing_when_warm()
    {
        // Goal: rule 2: a mirror of which every write has a laggard makes no garbage here.
        using var server = new TestServer();
        var memory = new PassThroughDevice(new LaggingDevice(server.Loop));
        server.Server.AddExport(new NbdExport("lagging", memory, readOnly: false));
        using NbdProbe probe = server.Connect().Go("lagging");
        void Run()
        {
            for (int i = 0; i < 2000; i++)
                Assert.That(probe.Write((ulong)(i % 64 * 512 + i % 2), new byte[512]), Is.Zero);
        }
        Run();
        long before = server.OnLoop(_ => GC.GetAllocatedBytesForCurrentThread());
        Run();
        long after = server.OnLoop(_ => GC.GetAllocatedBytesForCurrentThread());
        Assert.That(after - before, Is.LessThan(16_000));
        Assert.That(server.Server.MostPinnedBytes, Is.Positive);
    }

    // Of a read-modify-write only the write is to be held.
    private static void ReleaseReads(TestServer server)
    {
        while (server.OnLoop(d => d.Held[0].Operation) == BlockOperation.Read)
        {
            server.OnLoop(d => d.ReleaseFirst());
            server.WaitForHeld(1);
        }
    }

    private static void AnswerEarly(TestServer server, NbdProbe probe, ulong offset, byte[] data)
    {
        probe.Send([.. NbdProbe.Request(NBD_CMD_WRITE, offset, (uint)data.Length, 9), .. data]);
        server.WaitForHeld(1);
        server.OnLoop(d => d.CompleteEarly(d.Held[0]));
        Assert.That(probe.Expect(9), Is.Zero);
    }

    private static void WaitForPinned(TestServer server, long bytes) =>
        Assert.That(() => server.Server.PinnedBytes, Is.EqualTo(bytes).After(5000, 2));

    /// <summary>Completes each request held, and lets the one before it land.</summary>
    private sealed class LaggingDevice(IoLoop loop) : BlockDevice(loop)
    {
        private readonly Landing _landing = new();
        private BlockRequest? _lagging;

        public override string Name => "lagging";

        public override Sectors Length => new(2048);

        public override void Submit(BlockRequest request)
        {
            BlockRequest? landing = _lagging;
            _lagging = request;
            request.Hold();
            request.Complete(Loop);
            if (landing is not null)
                _landing.Ready(Loop, landing);
        }
    }

    private sealed class Landing : LoopWork
    {
        private BlockRequest? _request;

        public void Ready(IoLoop loop, BlockRequest request)
        {
            _request = request;
            loop.Ready(this);
        }

        protected override void Run() => _request!.Unhold();
    }
}
