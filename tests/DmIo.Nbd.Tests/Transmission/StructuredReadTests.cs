using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>READ answered by chunks, structured and extended (checklist 2.6, 2.9, 2.10).</summary>
[TestFixture(ReplyForm.Structured)]
[TestFixture(ReplyForm.Extended)]
internal sealed class StructuredReadTests(object form)
{
    private const int SizeBytes = 8 << 20;

    private TestServer _server = null!;
    private NbdProbe _probe = null!;

    [SetUp]
    public void SetUp()
    {
        _server = new TestServer(sizeBytes: SizeBytes, blockBytes: 4096);
        _probe = _server.Connect().GoWith((ReplyForm)form);
    }

    [TearDown]
    public void TearDown()
    {
        _probe.Dispose();
        _server.Dispose();
    }

    [TestCase(0, 1)]
    [TestCase(4095, 2)]
    [TestCase(8192, 4096)]
    [TestCase(1, 3 << 20)]
    [TestCase(SizeBytes - 1, 1)]
    public void Data_comes_in_one_chunk_that_is_the_last(int offset, int length)
    {
        // Goal: 2.10, OFFSET_DATA with the client's offset to the byte, DONE once.
        byte[] data = Fill(new Random(1));
        List<Chunk> chunks = _probe.Chunks(NBD_CMD_READ, (ulong)offset, (ulong)length);
        Assert.That(chunks, Has.Count.EqualTo(1));
        Assert.That(chunks[0].Type, Is.EqualTo(NBD_REPLY_TYPE_OFFSET_DATA));
        Assert.That(chunks[0].Offset, Is.EqualTo((ulong)offset));
        Assert.That(chunks[0].Data.AsSpan(8).SequenceEqual(data.AsSpan(offset, length)));
    }

    [TestCase(0, 0)]
    [TestCase(0, NBD_CMD_FLAG_DF)]
    [TestCase(777, 0)]
    public void A_range_of_zeroes_comes_as_one_hole(int offset, int flags)
    {
        // Goal: OFFSET_HOLE of length 12, DF or not: it is one chunk of content.
        foreach (int length in new[] { 1, 4096, 5 << 20 })
        {
            Chunk chunk = _probe.Chunks(NBD_CMD_READ, (ulong)offset, (ulong)length, flags).Single();
            Assert.That(chunk.Type, Is.EqualTo(NBD_REPLY_TYPE_OFFSET_HOLE));
            Assert.That(chunk.Offset, Is.EqualTo((ulong)offset));
            Assert.That(new WireReader(chunk.Data.AsSpan(8)).ReadUInt32(), Is.EqualTo((uint)length));
        }
    }

    [Test]
    public void Holes_between_data_are_told_and_with_df_are_not()
    {
        // Goal: content chunks in order, covering the range once; with DF one chunk of data.
        byte[] data = new byte[SizeBytes];
        Bytes.Random(100_000, 2).CopyTo(data, 0);
        Bytes.Random(5000, 3).CopyTo(data, 400_000);
        Bytes.Random(1, 4).CopyTo(data, 1_500_000);
        data[SizeBytes - 1] = 7;
        _server.OnLoop(d => data.CopyTo(d.Contents()));
        List<Chunk> chunks = _probe.Chunks(NBD_CMD_READ, 0, SizeBytes);
        Assert.That(chunks.Select(c => c.Type), Is.EqualTo(new[] { 1, 2, 1, 2, 1, 2, 1 }));
        Assert.That(chunks.Count(c => c.IsDone), Is.EqualTo(1));
        Assert.That(_probe.ReadChunked(0, SizeBytes).AsSpan().SequenceEqual(data));
        Assert.That(_probe.ReadChunked(3, SizeBytes - 5).AsSpan().SequenceEqual(data.AsSpan(3, SizeBytes - 5)));
        chunks = _probe.Chunks(NBD_CMD_READ, 0, SizeBytes, NBD_CMD_FLAG_DF);
        Assert.That(chunks.Single().Data.AsSpan(8).SequenceEqual(data));
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public void Whatever_lies_on_the_device_is_what_comes(int seed)
    {
        // Goal: random data and holes, random ranges, pipelined with others: the same bytes as the device's.
        var random = new Random(seed);
        byte[] data = Fill(random, withHoles: true);
        for (int i = 0; i < 100; i++)
        {
            int offset = random.Next(SizeBytes);
            int length = random.Next(1, Math.Min(SizeBytes - offset, 1 << random.Next(1, 23)) + 1);
            int flags = random.Next(2) == 0 ? 0 : NBD_CMD_FLAG_DF;
            byte[] got = _probe.ReadChunked((ulong)offset, length, flags);
            Assert.That(got.AsSpan().SequenceEqual(data.AsSpan(offset, length)), $"seed {seed}, {offset}+{length}");
        }
    }

    [Test]
    public void More_holes_than_one_reply_tells_are_data()
    {
        // Goal: the number of chunks is bounded, the bytes are right all the same.
        byte[] data = new byte[SizeBytes];
        for (int at = 0; at < data.Length; at += 64 << 10)
            data[at] = 1;
        _server.OnLoop(d => data.CopyTo(d.Contents()));
        List<Chunk> chunks = _probe.Chunks(NBD_CMD_READ, 0, SizeBytes);
        Assert.That(chunks.Count(c => c.Type == NBD_REPLY_TYPE_OFFSET_HOLE), Is.EqualTo(ComposedHoles));
        Assert.That(_probe.ReadChunked(0, SizeBytes).AsSpan().SequenceEqual(data));
    }

    [Test]
    public void A_read_of_nothing_is_a_chunk_without_content()
    {
        // Goal: T4, READ is always answered by chunks, also when there is nothing to say.
        Chunk chunk = _probe.Chunks(NBD_CMD_READ, 0, 0).Single();
        Assert.That((chunk.Type, chunk.Data.Length), Is.EqualTo((NBD_REPLY_TYPE_NONE, 0)));
    }

    [Test]
    public void Success_without_data_is_the_shortest_reply()
    {
        // Goal: T4: simple where replies are structured, a chunk where they are extended.
        if (_probe.Form == ReplyForm.Extended)
            Assert.That(_probe.Chunks(NBD_CMD_FLUSH, 0, 0).Single().Type, Is.EqualTo(NBD_REPLY_TYPE_NONE));
        else
            Assert.That(_probe.Call(NBD_CMD_FLUSH, 0, 0), Is.Zero);
    }

    private static int ComposedHoles => Transmission.ComposedReply.MaxHoles;

    private byte[] Fill(Random random, bool withHoles = false)
    {
        byte[] data = Bytes.Random(SizeBytes, random.Next());
        for (int at = 0; withHoles && at < SizeBytes;)
        {
            int length = Math.Min(SizeBytes - at, random.Next(1, 1 << random.Next(1, 20)));
            if (random.Next(2) == 0)
                data.AsSpan(at, length).Clear();
            at += length;
        }
        _server.OnLoop(d => data.CopyTo(d.Contents()));
        return data;
    }
}
