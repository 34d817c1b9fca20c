namespace DmIo.Nbd.Tests;

/// <summary>What the fuzzer knows of an export, without asking the server.</summary>
internal sealed class FuzzExport(string name, long sizeBytes)
{
    public string Name { get; } = name;

    public long SizeBytes { get; } = sizeBytes;

    public string Description { get; init; } = "";

    public bool IsReadOnly { get; init; }

    public bool CanTrim { get; init; } = true;

    public bool CanZeroFast { get; init; }

    public bool HasLegs { get; init; }

    /// <summary>Whether some sectors fail.</summary>
    public bool MayFail { get; init; }

    public int BlockBytes { get; init; } = Sectors.SizeBytes;

    /// <summary>Whether writes are forgotten and reads are zero.</summary>
    public bool IsForgetful { get; init; }

    /// <summary>What it holds; null where nobody keeps account.</summary>
    public FuzzContent? Content { get; init; }
}
