namespace DmIo;

/// <summary>
/// One piece of memory that does not move: native memory, or managed memory that is pinned for as long as the segment is
/// in use. The segment owns nothing.
/// </summary>
/// <param name="Address">First byte.</param>
/// <param name="LengthBytes">Length in bytes.</param>
public readonly record struct IoSegment(nint Address, int LengthBytes)
{
    /// <summary>The memory as a span.</summary>
    public unsafe Span<byte> Span => new((void*)Address, LengthBytes);
}
