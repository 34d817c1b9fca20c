namespace DmIo.Mapper;

// The device that holds the dirty log.
internal sealed partial class MirrorTarget
{
    /// <summary>The log device; null with a core log.</summary>
    public TargetLeg? Log { get; init; }
}
