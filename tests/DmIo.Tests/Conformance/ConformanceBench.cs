using DmIo.Testing;

namespace DmIo.Tests.Conformance;

/// <summary>What a row works with: a loop that stands still, three legs that do as told, a client, a record of callbacks.</summary>
internal sealed class ConformanceBench
{
    public static readonly Sectors LegLength = new(8192);

    public ConformanceBench()
    {
        Legs = [.. Enumerable.Range(0, 3).Select(i => new ScriptedDevice(Loop, $"leg{i}", LegLength))];
        Client = new IoClient(Loop);
    }

    public ManualLoop Loop { get; } = new();

    public ScriptedDevice[] Legs { get; }

    public IoClient Client { get; }

    /// <summary>The outcomes that callbacks were given, in order.</summary>
    public List<IoOutcome> Outcomes { get; } = [];

    /// <summary>The contexts that callbacks were given, in order.</summary>
    public List<object?> Contexts { get; } = [];

    public int Submissions => Legs.Sum(leg => leg.Log.Count);

    public IoRegion Region(int leg, long sector, long count) => new(Legs[leg], new Sectors(sector), new Sectors(count));

    /// <summary>The same range on the first <paramref name="legs"/> legs.</summary>
    public IoRegion[] Regions(int legs, long sector, long count) =>
        [.. Enumerable.Range(0, legs).Select(i => Region(i, sector, count))];

    /// <summary>Starts a request and leaves the loop where it is.</summary>
    public Errno Start(
        BlockOperation operation, IoRegion[] regions, IoMemory memory, BlockFlags flags = BlockFlags.None,
        object? context = null, IoClient? client = null) =>
        (client ?? Client).Start(operation, flags, regions, memory, Note, context);

    /// <summary>Does a request that must be accepted, to its end.</summary>
    public IoOutcome Do(
        BlockOperation operation, IoRegion[] regions, IoMemory memory, BlockFlags flags = BlockFlags.None)
    {
        int before = Outcomes.Count;
        Assert.That(Start(operation, regions, memory, flags), Is.EqualTo(Errno.None));
        Loop.RunUntilIdle();
        Assert.That(Outcomes, Has.Count.EqualTo(before + 1), "callbacks");
        return Outcomes[^1];
    }

    public IoOutcome Write(IoRegion[] regions, TestBuffer buffer, BlockFlags flags = BlockFlags.None) =>
        Do(BlockOperation.Write, regions, Memory(buffer), flags);

    public IoOutcome Read(IoRegion region, TestBuffer buffer) => Do(BlockOperation.Read, [region], Memory(buffer));

    /// <summary>Checks that a request is refused: the errno, nothing issued, no callback.</summary>
    public void MustRefuse(Errno errno, BlockOperation operation, IoRegion[] regions, IoMemory memory)
    {
        int submissions = Submissions;
        int callbacks = Outcomes.Count;
        Assert.That(Start(operation, regions, memory), Is.EqualTo(errno));
        Loop.RunUntilIdle();
        Assert.That(Submissions, Is.EqualTo(submissions), "issued");
        Assert.That(Outcomes, Has.Count.EqualTo(callbacks), "callbacks");
    }

    public void Note(in IoOutcome outcome, object? context)
    {
        Outcomes.Add(outcome);
        Contexts.Add(context);
    }

    /// <summary>Checks that nothing is left: no request under way, none waiting, no request held.</summary>
    public void MustBeQuiet()
    {
        Loop.RunUntilIdle();
        Assert.That(Client.Statistics.InFlight, Is.Zero, "in flight");
        Assert.That(Client.Statistics.Waiting, Is.Zero, "waiting");
        Assert.That(Legs.Sum(leg => leg.Held.Count), Is.Zero, "held");
    }

    public static IoMemory Memory(TestBuffer buffer) => IoMemory.FromBuffer(buffer.Segment);
}
