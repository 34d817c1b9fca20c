namespace DmIo;

/// <summary>A run of sectors in one state.</summary>
/// <param name="Start">First sector.</param>
/// <param name="Count">Length in sectors.</param>
/// <param name="Kind">The state.</param>
public readonly record struct BlockExtent(Sectors Start, Sectors Count, ExtentKind Kind)
{
    /// <summary>First sector behind the extent.</summary>
    public Sectors End => Start + Count;
}
