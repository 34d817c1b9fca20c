using DmIo.Testing;

namespace DmIo.Tests.Conformance;

/// <summary>One of the six calls, given a plain buffer that it passes in its own form.</summary>
internal sealed record ClassicCall(string Name, bool IsSync, ClassicCall.Body Run)
{
    /// <summary>What error bits are preset to, to see whether a call touches them.</summary>
    public const ulong Untouched = ulong.MaxValue;

    public static readonly ClassicCall[] All =
    [
        new(nameof(ClassicDmIo.IoSync), true, (dm, where, rw, data, notify) =>
        {
            ulong bits = Untouched;
            return (dm.IoSync(where, rw, Pages(data), 0, ref bits), bits);
        }),
        new(nameof(ClassicDmIo.IoAsync), false, (dm, where, rw, data, notify) =>
            (dm.IoAsync(where, rw, Pages(data), 0, notify, dm), Untouched)),
        new(nameof(ClassicDmIo.IoSyncBvec), true, (dm, where, rw, data, notify) =>
        {
            ulong bits = Untouched;
            return (dm.IoSyncBvec(where, rw, Vectors(data), ref bits), bits);
        }),
        new(nameof(ClassicDmIo.IoAsyncBvec), false, (dm, where, rw, data, notify) =>
            (dm.IoAsyncBvec(where, rw, Vectors(data), notify, dm), Untouched)),
        new(nameof(ClassicDmIo.IoSyncVm), true, (dm, where, rw, data, notify) =>
        {
            ulong bits = Untouched;
            return (dm.IoSyncVm(where, rw, data.Segment, ref bits), bits);
        }),
        new(nameof(ClassicDmIo.IoAsyncVm), false, (dm, where, rw, data, notify) =>
            (dm.IoAsyncVm(where, rw, data.Segment, notify, dm), Untouched)),
    ];

    public delegate (Errno Errno, ulong Bits) Body(
        ClassicDmIo dm, IoRegion[] where, BlockOperation rw, TestBuffer data, IoNotify notify);

    /// <summary>Makes the call to its end: what it returned, and the bits that the caller or the callback got.</summary>
    public (Errno Errno, ulong Bits) Do(
        ConformanceBench bench, ClassicDmIo dm, IoRegion[] where, BlockOperation rw, TestBuffer data)
    {
        if (IsSync)
            return bench.Loop.RunBeside(() => Run(dm, where, rw, data, (_, _) => { }));
        var told = new List<(ulong Bits, object? Context)>();
        (Errno errno, ulong bits) = Run(dm, where, rw, data, (error, context) => told.Add((error, context)));
        Assert.That(told, Is.Empty, "called back inside the call");
        bench.Loop.RunUntilIdle();
        if (errno != Errno.None)
        {
            Assert.That(told, Is.Empty, "called back after a refusal");
            return (errno, bits);
        }
        Assert.That(told, Has.Count.EqualTo(1));
        Assert.That(told[0].Context, Is.SameAs(dm));
        return (errno, told[0].Bits);
    }

    private static PageList Pages(TestBuffer data)
    {
        PageList? list = null;
        for (int at = (data.Span.Length - 1) / 4096 * 4096; at >= 0; at -= 4096)
            list = new PageList(data.Segment.Address + at, list);
        return list!;
    }

    private static BioVec[] Vectors(TestBuffer data) =>
        [.. Enumerable.Range(0, data.Span.Length / 512).Select(i =>
            new BioVec(data.Segment.Address + i / 8 * 4096, 512, i % 8 * 512))];
}
