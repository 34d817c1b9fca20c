namespace DmIo.Mapper;

/// <summary>One line of a table: a run of sectors and the target that serves them.</summary>
/// <param name="Start">First sector on the mapped device.</param>
/// <param name="Length">Length in sectors.</param>
/// <param name="Target">The target and its arguments.</param>
public sealed record TableLine(Sectors Start, Sectors Length, TargetSpec Target)
{
    /// <summary>First sector behind the line.</summary>
    public Sectors End => Start + Length;
}
