using DmIo.Nbd.Wire;
using FsCheck.Fluent;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>Reads in chunks, whatever lies between the holes.</summary>
internal sealed class ReadReplyPropertyTests
{
    private const int SizeBytes = 1 << 20;
    private const int Runs = 200;

    [Test]
    public void Chunks_put_together_are_what_lies_there([Values(ReplyForm.Structured, ReplyForm.Extended)] ReplyForm form)
    {
        // Goal: chunks cover the request exactly and never overlap, holes are zero, data is what the device holds, the
        // last chunk alone says DONE, and one that must not be fragmented has one chunk.
        var cases =
            from runs in (from isZero in ArbMap.Default.GeneratorFor<bool>()
                          from length in Gen.OneOf(Gen.Choose(1, 9000), Gen.Choose(1, 40).Select(n => n * 4096))
                          select (IsZero: isZero, Length: length)).ArrayOf()
            from at in Gen.OneOf(Gen.Choose(0, SizeBytes - 1), Gen.Choose(0, 255).Select(n => n * 4096))
            from length in Gen.Choose(1, SizeBytes)
            from isSole in ArbMap.Default.GeneratorFor<bool>()
            select (Runs: runs, At: at, Length: Math.Min(length, SizeBytes - at), IsSole: isSole);
        using var server = new TestServer(sizeBytes: SizeBytes);
        using NbdProbe probe = server.Connect().GoWith(form);
        PropertyCheck.Check(cases, one =>
        {
            byte[] content = Lay(one.Runs);
            server.OnLoop(d => content.CopyTo(d.Contents()));
            List<Chunk> chunks = probe.Chunks(
                NBD_CMD_READ, (ulong)one.At, (ulong)one.Length, one.IsSole ? NBD_CMD_FLAG_DF : 0);
            var rest = FuzzRanges.Of(one.At, one.At + one.Length);
            foreach (Chunk chunk in chunks)
            {
                long from = (long)chunk.Offset;
                bool isHole = chunk.Type == NBD_REPLY_TYPE_OFFSET_HOLE;
                Assert.That(isHole || chunk.Type == NBD_REPLY_TYPE_OFFSET_DATA, $"type {chunk.Type}");
                long bytes = isHole ? new WireReader(chunk.Data.AsSpan(8)).ReadUInt32() : chunk.Data.Length - 8;
                var part = FuzzRanges.Of(from, from + bytes);
                part.Remove(rest);
                Assert.That(bytes > 0 && part.IsEmpty, $"{bytes} bytes at {from}");
                rest.Remove(from, from + bytes);
                ReadOnlySpan<byte> there = content.AsSpan((int)from, (int)bytes);
                Assert.That(isHole ? !there.ContainsAnyExcept((byte)0) : there.SequenceEqual(chunk.Data.AsSpan(8)));
            }
            Assert.That(rest.IsEmpty, "bytes are missing");
            Assert.That(chunks.Count(chunk => chunk.IsDone), Is.EqualTo(1));
            if (one.IsSole)
                Assert.That(chunks, Has.Count.EqualTo(1));
        }, Runs);
    }

    private static byte[] Lay((bool IsZero, int Length)[] runs)
    {
        byte[] content = Bytes.Random(SizeBytes, 7);
        int at = 0;
        foreach ((bool isZero, int length) in runs)
        {
            int here = Math.Min(length, SizeBytes - at);
            if (isZero)
                content.AsSpan(at, here).Clear();
            at += here;
        }
        return content;
    }
}
