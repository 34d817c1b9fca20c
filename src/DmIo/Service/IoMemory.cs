namespace DmIo;

/// <summary>
/// A request's data buffer in one of the three forms of dm-io.txt. Names memory and owns none: it must stay valid and
/// unmodified until the request has completed.
/// </summary>
public readonly struct IoMemory
{
    private IoMemory(IoMemoryKind kind, IoVector vector, PageList? pages, int offsetBytes)
    {
        Kind = kind;
        Vector = vector;
        Pages = pages;
        OffsetBytes = offsetBytes;
    }

    /// <summary>For flush, discard and write zeroes.</summary>
    public static IoMemory None { get; } = new(IoMemoryKind.None, default, null, 0);

    /// <summary>The form.</summary>
    public IoMemoryKind Kind { get; }

    /// <summary>The bytes of the vector or contiguous form.</summary>
    public IoVector Vector { get; }

    /// <summary>The pages of the page-list form.</summary>
    public PageList? Pages { get; }

    /// <summary>Page-list form: where the data begins in the first page, in bytes.</summary>
    public int OffsetBytes { get; }

    /// <summary>A list of pages; the data begins <paramref name="offsetBytes"/> into the first.</summary>
    public static IoMemory FromPages(PageList pages, int offsetBytes) =>
        new(IoMemoryKind.PageList, default, pages, offsetBytes);

    /// <summary>A vector of segments.</summary>
    public static IoMemory FromVector(IoVector vector) => new(IoMemoryKind.Vector, vector, null, 0);

    /// <summary>One contiguous buffer.</summary>
    public static IoMemory FromBuffer(IoSegment buffer) =>
        new(IoMemoryKind.Contiguous, new IoVector([buffer], 1), null, 0);
}
