using System.Runtime.InteropServices;
using DmIo.Nbd.Status;
using DmIo.Nbd.Transmission;
using DmIo.Nbd.Wire;
using FsCheck.Fluent;

namespace DmIo.Nbd.Tests;

/// <summary>Status chunks against a list of bytes and states.</summary>
internal sealed class StatusPropertyTests
{
    private const int MostExtents = 5;

    private readonly record struct Run(long LengthBytes, ulong Status);

    [Test]
    public unsafe void A_chunk_tells_what_it_was_told([Values(ReplyForm.Structured, ReplyForm.Extended)] ReplyForm form)
    {
        // Goal: extents follow each other without gaps, neighbours differ, none is empty, none runs past the request,
        // the chunk ends where it is full, and lengths around 2^32 are told to the byte.
        bool isExtended = form == ReplyForm.Extended;
        long most = isExtended ? long.MaxValue : uint.MaxValue;
        var cases =
            from length in PropertyCheck.Numbers
            from runs in (from bytes in PropertyCheck.Numbers
                          from status in Gen.Choose(0, 2)
                          select new Run((long)(bytes >> 1), (ulong)status)).ArrayOf()
            select (Length: Math.Clamp((long)(length >> 1), 1, most), Runs: runs);
        int room = StatusChunk.BytesFor(form, MostExtents);
        void* memory = NativeMemory.Alloc((nuint)room);
        var request = new NbdRequest(null!);
        request.Begin(null!, new RequestHeader(0, 0, 7, Cookie: 0xc00c1e, Offset: 4096, 0));
        try
        {
            PropertyCheck.Check(cases, one =>
            {
                var chunk = new StatusChunk(new IoSegment((nint)memory, room), form, MostExtents, one.Length);
                foreach (Run run in one.Runs)
                    chunk.Add(run.LengthBytes, run.Status);
                List<Run> expected = Model(one.Length, one.Runs);
                if (expected.Count == 0)
                    return; // Nothing was told, and the server never asks for that.
                int bytes = chunk.Finish(request, MetaContext.Allocation, isLast: true);
                List<Run> told = Read(new Span<byte>(memory, bytes), form);
                Assert.That(told, Is.EqualTo(expected));
            });
        }
        finally
        {
            NativeMemory.Free(memory);
        }
    }

    // The same the long way round.
    private static List<Run> Model(long length, Run[] runs)
    {
        var extents = new List<Run>();
        foreach (Run run in runs)
        {
            long bytes = Math.Min(run.LengthBytes, length);
            if (bytes <= 0)
                continue;
            length -= bytes;
            if (extents.Count > 0 && extents[^1].Status == run.Status)
                extents[^1] = new Run(extents[^1].LengthBytes + bytes, run.Status);
            else
                extents.Add(new Run(bytes, run.Status));
        }
        return [.. extents.Take(MostExtents)];
    }

    private static List<Run> Read(ReadOnlySpan<byte> chunk, ReplyForm form)
    {
        bool isExtended = form == ReplyForm.Extended;
        var reader = new WireReader(chunk);
        Assert.That(reader.ReadUInt32(), Is.EqualTo(isExtended ? 0x6e8a278c : 0x668e33ef));
        Assert.That(reader.ReadUInt16(), Is.EqualTo(1), "DONE");
        Assert.That(reader.ReadUInt16(), Is.EqualTo(isExtended ? 6 : 5), "type");
        Assert.That(reader.ReadUInt64(), Is.EqualTo(0xc00c1e));
        if (isExtended)
            Assert.That(reader.ReadUInt64(), Is.EqualTo(4096), "the request's offset");
        ulong length = isExtended ? reader.ReadUInt64() : reader.ReadUInt32();
        Assert.That(length, Is.EqualTo((ulong)reader.Remaining));
        Assert.That(reader.ReadUInt32(), Is.EqualTo(MetaContext.Allocation.Id));
        uint? count = isExtended ? reader.ReadUInt32() : null;
        var extents = new List<Run>();
        while (reader.Remaining > 0)
        {
            extents.Add(isExtended
                ? new Run((long)reader.ReadUInt64(), reader.ReadUInt64())
                : new Run(reader.ReadUInt32(), reader.ReadUInt32()));
        }
        Assert.That(count ?? (uint)extents.Count, Is.EqualTo((uint)extents.Count));
        return extents;
    }
}
