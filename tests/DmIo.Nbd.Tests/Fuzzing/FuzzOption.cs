namespace DmIo.Nbd.Tests;

/// <summary>An option that was sent whole, and what must be answered.</summary>
/// <param name="Option">Its number.</param>
/// <param name="Final">The reply type that must end the answer; of STARTTLS, which may be refused in two ways, one.</param>
internal sealed record FuzzOption(uint Option, uint Final)
{
    /// <summary>INFO, GO, EXPORT_NAME: what is chosen or described.</summary>
    public FuzzExport? Export { get; init; }

    /// <summary>The transmission flags that must be told of it.</summary>
    public ushort Flags { get; init; }

    /// <summary>Bit n: information type n was asked for.</summary>
    public uint Wanted { get; init; }

    /// <summary>Metadata contexts that must be told, in any order.</summary>
    public IReadOnlyList<string> Contexts { get; init; } = [];

    /// <summary>SET_META_CONTEXT: where ids are noted.</summary>
    public Dictionary<string, uint>? Selected { get; init; }

    /// <summary>EXPORT_NAME: bytes of the answer, which is no option reply.</summary>
    public int RawBytes { get; init; }

    /// <summary>Whether requests and replies follow.</summary>
    public bool IsLast { get; init; }
}
