namespace DmIo.Mapper.Tests;

public sealed class ManyExtentsTests
{
    private const long Length = 8192;

    // Goal: however many extents legs tell, and however many come of putting theirs together, the answer is bounded: true
    // from the start on, and then data.
    [TestCase("0 8192 mirror core 2 32 nosync 2 leg0 0 leg1 0", 1)]
    [TestCase("0 8192 striped 2 8 leg0 0 leg1 0", 1)]
    [TestCase("0 8192 striped 2 1 leg0 0 leg1 0", 2)]
    [TestCase("0 4000 linear leg0 0\n4000 4192 linear leg1 0", 1)]
    public void An_answer_is_bounded(string table, int run)
    {
        var rig = new MirrorRig(legs: 2, sectors: Length) { TableText = table };
        rig.Start();
        rig.Legs.ForEach(leg => leg.Extents = EveryOther);
        IReadOnlyList<BlockExtent> told =
            rig.Loop.Run(() => rig.Device.ReadExtentsAsync(new(0), new(Length)));
        Assert.That(told, Has.Count.EqualTo(ExtentBound.Most));
        Assert.That((told[^1].End, told[^1].Kind), Is.EqualTo((new Sectors(Length), ExtentKind.Data)));
        Assert.That(told.SkipLast(1), Is.EqualTo(Enumerable.Range(0, ExtentBound.Most - 1).Select(i => new BlockExtent(
            new(i * run), new(run), i % 2 == 0 ? ExtentKind.Hole : ExtentKind.Data))));
    }

    private static List<BlockExtent> EveryOther(Sectors start, Sectors count) =>
        [.. Enumerable.Range(0, (int)count.Count).Select(i => new BlockExtent(
            start + new Sectors(i), new(1), (start.Count + i) % 2 == 0 ? ExtentKind.Hole : ExtentKind.Data))];
}
