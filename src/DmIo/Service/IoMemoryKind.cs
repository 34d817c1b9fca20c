namespace DmIo;

/// <summary>The forms in which a request's data buffer comes (dm-semantics A.1).</summary>
public enum IoMemoryKind
{
    /// <summary>Not set: every request with it is refused with EINVAL.</summary>
    Unknown,

    /// <summary>No buffer, for operations that carry no payload.</summary>
    None,

    /// <summary>A linked list of pages with an offset into the first.</summary>
    PageList,

    /// <summary>A vector of segments.</summary>
    Vector,

    /// <summary>One contiguous buffer.</summary>
    Contiguous,
}
