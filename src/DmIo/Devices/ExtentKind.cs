namespace DmIo;

/// <summary>What is known of a run of sectors without reading it.</summary>
public enum ExtentKind
{
    /// <summary>Allocated; may hold anything. Always a safe answer.</summary>
    Data,

    /// <summary>Not allocated; reads as zeroes.</summary>
    Hole,

    /// <summary>Allocated; reads as zeroes.</summary>
    Zero,
}
