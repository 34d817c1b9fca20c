namespace DmIo;

/// <summary>
/// A device that may lie on several legs and can tell in which state they are. To be asked on the device's loop alone.
/// </summary>
public interface IRegionStates
{
    /// <summary>
    /// Tells of a range: adds consecutive runs that begin at <paramref name="start"/>, until the range is covered or the
    /// list has <paramref name="most"/> runs.
    /// </summary>
    /// <param name="question">What about the legs.</param>
    /// <param name="start">First sector.</param>
    /// <param name="count">Length in sectors, not zero.</param>
    /// <param name="most">How long the list may become.</param>
    /// <param name="runs">What they are added to; neighbours may be alike.</param>
    void ReadRegions(RegionQuestion question, Sectors start, Sectors count, int most, IList<RegionLegs> runs);
}
