using DmIo.Testing;

namespace DmIo.Tests;

internal sealed class IoVectorTests
{
    [Test]
    public void Every_slice_is_the_same_bytes_as_the_slice_of_a_plain_array()
    {
        // A model check over random segmentations: slices of slices, copies in and out, clearing. The seed replays it.
        int seed = Environment.TickCount;
        TestContext.Out.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (int round = 0; round < 300; round++)
        {
            TestBuffer memory = TestBuffer.Random(new Sectors(4), random.Next());
            byte[] model = [];
            var segments = new List<IoSegment>();
            for (int at = 0; at < memory.Span.Length;)
            {
                int length = Math.Min(random.Next(0, 400), memory.Span.Length - at);
                segments.Add(new IoSegment(memory.Segment.Address + at, length));
                model = [.. model, .. memory.Span.Slice(at, length)];
                at += length + random.Next(0, 50);
            }
            var vector = new IoVector([.. segments], segments.Count);
            Assert.That(Bytes(vector), Is.EqualTo(model), $"seed {seed} round {round}");
            for (int depth = 0; depth < 4; depth++)
            {
                int offset = random.Next(0, model.Length + 1);
                int length = random.Next(0, model.Length - offset + 1);
                vector = vector.Slice(offset, length);
                model = model[offset..(offset + length)];
                Assert.That(vector.LengthBytes, Is.EqualTo(length));
                Assert.That(Bytes(vector), Is.EqualTo(model), $"seed {seed} round {round} depth {depth}");
            }
            byte[] fresh = new byte[model.Length + 7];
            random.NextBytes(fresh);
            vector.CopyFrom(fresh);
            Assert.That(Bytes(vector), Is.EqualTo(fresh[..model.Length]), $"seed {seed} round {round}");
            vector.Clear();
            Assert.That(Bytes(vector), Is.All.Zero);
        }
    }

    [Test]
    public void A_part_outside_the_window_is_refused()
    {
        // A slice never reaches memory beside its window, though its segments do.
        IoVector window = new TestBuffer(4096).Vector.Slice(512, 1024);
        foreach ((long offset, long length) in new[] { (-1L, 1L), (0, 1025), (1024, 1), (1025, 0), (0, -1), (long.MaxValue, 2) })
            Assert.That(() => window.Slice(offset, length), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(window.Slice(1024, 0).LengthBytes, Is.Zero);
    }

    [Test]
    public void Alignment_is_that_of_every_address_and_length()
    {
        // One odd segment among many is enough to need a copy; an empty vector is aligned to anything.
        var memory = new TestBuffer(8192);
        IoSegment[] segments = [new(memory.Segment.Address, 512), new(memory.Segment.Address + 1024, 512)];
        var vector = new IoVector(segments, 2);
        Assert.That((vector.IsAligned(512), vector.IsAligned(1024)), Is.EqualTo((true, false)));
        Assert.That(vector.Slice(8, 1000).IsAligned(512), Is.False);
        Assert.That(IoVector.Empty.IsAligned(4096), Is.True);
    }

    [Test]
    public void The_segments_of_a_window_are_cut_to_it_and_the_count_limits_the_array()
    {
        // What the kernel gets as vectors is exactly the window; a destination that is too small takes what fits.
        IoSegment[] segments = [new(0x1000, 512), new(0x3000, 0), new(0x5000, 512), new(0x7000, 512)];
        IoVector window = new IoVector(segments, 3).Slice(500, 500);
        Span<IoSegment> copied = stackalloc IoSegment[4];
        Assert.That(window.CopyTo(copied), Is.EqualTo(2));
        Assert.That(copied[..2].ToArray(), Is.EqualTo(new IoSegment[] { new(0x1000 + 500, 12), new(0x5000, 488) }));
        Assert.That(window.CopyTo(copied[..1]), Is.EqualTo(1));
        Assert.That(() => new IoVector(segments, 5), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    private static byte[] Bytes(IoVector vector)
    {
        byte[] bytes = new byte[vector.LengthBytes];
        vector.CopyTo(bytes);
        return bytes;
    }
}
