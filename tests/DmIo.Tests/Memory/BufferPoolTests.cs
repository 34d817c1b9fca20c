namespace DmIo.Tests;

internal sealed class BufferPoolTests
{
    [Test]
    public void Buffers_are_aligned_and_as_long_as_asked_for()
    {
        // Any size up to the largest, page-aligned, accounted in whole buffers.
        using var pool = new BufferPool(64 << 20);
        foreach (int size in new[] { 1, 512, 4096, 4097, 100_000, BufferPool.MaxBytes })
        {
            Assert.That(pool.TryRent(size, out IoSegment buffer), Is.True);
            Assert.That(buffer.LengthBytes, Is.EqualTo(size));
            Assert.That((long)buffer.Address % BufferPool.AlignmentBytes, Is.Zero);
            buffer.Span.Fill(0xff);
            Assert.That(pool.RentedBytes, Is.EqualTo(Math.Max(4096, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)size))));
            pool.Return(buffer);
            Assert.That(pool.RentedBytes, Is.Zero);
        }
    }

    [Test]
    public void The_limit_is_kept_and_a_return_makes_room()
    {
        // Whoever finds the pool empty is told so, whatever mix of sizes filled it.
        using var pool = new BufferPool(2 << 20);
        Assert.That(pool.TryRent(BufferPool.MaxBytes, out IoSegment first), Is.True);
        Assert.That(pool.TryRent(BufferPool.MaxBytes, out _), Is.True);
        Assert.That(pool.TryRent(1, out _), Is.False);
        pool.Return(first);
        Assert.That(pool.TryRent(BufferPool.MaxBytes / 2 + 1, out _), Is.True);
        Assert.That(pool.TryRent(1, out _), Is.False);
    }

    [Test]
    public void A_returned_buffer_is_used_again()
    {
        // A warm pool takes no memory from the system.
        using var pool = new BufferPool(2 << 20);
        pool.TryRent(5000, out IoSegment first);
        pool.Return(first);
        pool.TryRent(8192, out IoSegment second);
        Assert.That(second.Address, Is.EqualTo(first.Address));
    }

    [Test]
    public void Sizes_that_cannot_be_are_refused()
    {
        // Nothing, less than nothing, more than the largest buffer; a limit below one buffer.
        using var pool = new BufferPool(2 << 20);
        foreach (int size in new[] { 0, -1, BufferPool.MaxBytes + 1 })
            Assert.That(() => pool.TryRent(size, out _), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => new BufferPool(4096), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }
}
