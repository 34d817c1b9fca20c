namespace DmIo.Testing;

/// <summary>A request that remembers how often it completed, and calls back if the test wants it to.</summary>
public sealed class TestRequest : BlockRequest
{
    /// <summary>Runs at each completion.</summary>
    public Action<TestRequest>? OnCompleted { get; set; }

    /// <summary>How often the request completed.</summary>
    public int Completions { get; private set; }

    public bool IsCompleted => Completions > 0;

    /// <summary>How often the request was let go after it had completed held.</summary>
    public int Unholds { get; private set; }

    public override bool TakesOtherMemory => TakesAny;

    /// <summary>What <see cref="TakesOtherMemory"/> tells.</summary>
    public bool TakesAny { get; set; }

    /// <summary>Keeps the memory that <see cref="BlockRequest.Data"/> names for as long as the request lives.</summary>
    public TestBuffer? Buffer { get; private init; }

    public static TestRequest Read(Sectors start, TestBuffer buffer) => With(BlockOperation.Read, start, buffer);

    public static TestRequest Write(Sectors start, TestBuffer buffer, BlockFlags flags = BlockFlags.None)
    {
        TestRequest request = With(BlockOperation.Write, start, buffer);
        request.Flags = flags;
        return request;
    }

    public static TestRequest Flush() => new() { Operation = BlockOperation.Flush };

    public static TestRequest Discard(Sectors start, Sectors count) =>
        new() { Operation = BlockOperation.Discard, Start = start, Count = count };

    public static TestRequest WriteZeroes(Sectors start, Sectors count, BlockFlags flags = BlockFlags.None) =>
        new() { Operation = BlockOperation.WriteZeroes, Start = start, Count = count, Flags = flags };

    protected override void Completed()
    {
        Completions++;
        OnCompleted?.Invoke(this);
    }

    protected override void Unheld() => Unholds++;

    private static TestRequest With(BlockOperation operation, Sectors start, TestBuffer buffer) => new()
    {
        Operation = operation,
        Start = start,
        Count = Sectors.FromBytes(buffer.Vector.LengthBytes),
        Data = buffer.Vector,
        Buffer = buffer,
    };
}
