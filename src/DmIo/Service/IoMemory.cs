namespace DmIo;

/// <summary>
/// A request's data buffer in one of the three forms of dm-io.txt. Names memory and owns none: it must stay valid and
/// unmodified until the request has completed.
/// </summary>
public readonly struct IoMemory
{
    private IoMemory(IoMemoryKind kind) => Kind = kind;

    /// <summary>For flush, discard and write zeroes.</summary>
    public static IoMemory None { get; } = new(IoMemoryKind.None);

    /// <summary>The form.</summary>
    public IoMemoryKind Kind { get; }

    /// <summary>Vector form: the bytes.</summary>
    public IoVector Vector { get; private init; }

    /// <summary>Contiguous form: the buffer.</summary>
    public IoSegment Buffer { get; private init; }

    /// <summary>The pages of the page-list form.</summary>
    public PageList? Pages { get; private init; }

    /// <summary>Page-list form: where the data begins in the first page, in bytes.</summary>
    public int OffsetBytes { get; private init; }

    /// <summary>A list of pages; the data begins <paramref name="offsetBytes"/> into the first.</summary>
    public static IoMemory FromPages(PageList pages, int offsetBytes) =>
        new(IoMemoryKind.PageList) { Pages = pages, OffsetBytes = offsetBytes };

    /// <summary>A vector of segments.</summary>
    public static IoMemory FromVector(IoVector vector) => new(IoMemoryKind.Vector) { Vector = vector };

    /// <summary>One contiguous buffer.</summary>
    public static IoMemory FromBuffer(IoSegment buffer) => new(IoMemoryKind.Contiguous) { Buffer = buffer };
}
