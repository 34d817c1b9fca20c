using DmIo.Testing;

namespace DmIo.Tests;

internal sealed class MemoryDeviceTests
{
    [Test]
    public void All_operations_do_what_they_say()
    {
        // Fresh memory is zeroes; writes, discards and zeroes change exactly their range; flush does no harm.
        var loop = new ManualLoop();
        TestBuffer buffer = TestBuffer.Random(new Sectors(16), 1);
        var read = new TestBuffer(buffer.Span.Length);
        loop.Run(async () =>
        {
            await using var device = new MemoryDevice(loop, "memory", new Sectors(64));
            Assert.That(device.Contents(Sectors.Zero, new Sectors(64)).ContainsAnyExcept((byte)0), Is.False);
            await device.MustDoAsync(TestRequest.Write(new Sectors(4), buffer, BlockFlags.Fua | BlockFlags.Preflush));
            await device.MustDoAsync(TestRequest.WriteZeroes(new Sectors(6), new Sectors(2)));
            await device.MustDoAsync(TestRequest.Discard(new Sectors(19), new Sectors(10)));
            await device.MustDoAsync(TestRequest.Flush());
            await device.MustDoAsync(TestRequest.Read(new Sectors(4), read));
            buffer.Span[1024..2048].Clear();
            buffer.Span[(15 * 512)..].Clear();
            Assert.That(read.Span.SequenceEqual(buffer.Span), Is.True);
        });
    }

    [Test]
    public void Requests_outside_or_off_the_block_size_are_refused()
    {
        // The checks that every device makes: range, block size, length of the buffer.
        var loop = new ManualLoop();
        loop.Run(async () =>
        {
            await using var device = new MemoryDevice(loop, "memory", new Sectors(64), 4096);
            var page = new TestBuffer(4096);
            TestRequest[] all =
            [
                TestRequest.Read(new Sectors(64), page),
                TestRequest.Read(new Sectors(-8), page),
                TestRequest.Write(new Sectors(60), page),
                TestRequest.Write(new Sectors(1), page),
                TestRequest.Write(Sectors.Zero, new TestBuffer(512)),
                TestRequest.Discard(Sectors.Zero, Sectors.Zero),
                TestRequest.Discard(new Sectors(8), new Sectors(long.MaxValue)),
                new() { Operation = BlockOperation.Write, Count = new Sectors(16), Data = page.Vector },
            ];
            foreach (TestRequest request in all)
                Assert.That((await device.DoAsync(request)).Error, Is.EqualTo(Errno.EINVAL));
        });
    }
}
