namespace DmIo;

/// <summary>A run of sectors and some of the legs that it lies on.</summary>
/// <param name="Start">First sector.</param>
/// <param name="Count">Length in sectors.</param>
/// <param name="Legs">Bit i stands for leg i.</param>
public readonly record struct RegionLegs(Sectors Start, Sectors Count, ulong Legs)
{
    /// <summary>First sector behind the run.</summary>
    public Sectors End => Start + Count;
}
