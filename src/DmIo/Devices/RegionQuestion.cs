namespace DmIo;

/// <summary>What can be asked about the legs of a device.</summary>
public enum RegionQuestion
{
    /// <summary>
    /// Which legs cannot serve it now: they are not there or have failed, could not be read there, or lack it.
    /// </summary>
    CannotServe,

    /// <summary>Which legs lack it: they are to be given it from another.</summary>
    Lacks,
}
