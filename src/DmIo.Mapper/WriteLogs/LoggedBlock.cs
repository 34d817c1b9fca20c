namespace DmIo.Mapper;

/// <summary>Something that was done to the device, on its way into the log.</summary>
/// <param name="flags">What it is.</param>
/// <param name="start">First sector.</param>
/// <param name="count">How many sectors.</param>
internal sealed class LoggedBlock(LogWritesFlags flags, Sectors start, Sectors count)
{
    public LogWritesFlags Flags => flags;

    public Sectors Start => start;

    public Sectors Count => count;

    /// <summary>The text of a mark.</summary>
    public string Mark { get; init; } = "";

    /// <summary>The data of a write; given back when it is in the log.</summary>
    public SpareMemory? Copy { get; init; }

    /// <summary>What had ended when a flush was sent: durable when that ends.</summary>
    public List<LoggedBlock> Before { get; init; } = [];

    /// <summary>Told whether it is in the log, where somebody waits for that.</summary>
    public TaskCompletionSource<bool>? Logged { get; init; }
}
