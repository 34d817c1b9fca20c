namespace DmIo;

/// <summary>A linked list of memory pages (dm-io.txt, <c>struct page_list</c>). Names memory and owns none.</summary>
public sealed class PageList
{
    /// <summary>Bytes in a page.</summary>
    public const int PageBytes = 4096;

    /// <summary>Creates a link.</summary>
    /// <param name="page">The page's address; <see cref="PageBytes"/> bytes belong to it.</param>
    /// <param name="next">The rest of the list, or null.</param>
    public PageList(nint page, PageList? next = null)
    {
        Page = page;
        Next = next;
    }

    /// <summary>The page's address.</summary>
    public nint Page { get; }

    /// <summary>The rest of the list.</summary>
    public PageList? Next { get; set; }
}
