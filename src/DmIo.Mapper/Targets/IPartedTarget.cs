namespace DmIo.Mapper;

/// <summary>What <see cref="PartedRequests"/> needs to know of the target whose requests it does.</summary>
internal interface IPartedTarget
{
    TargetLeg LegOf(int index);

    /// <summary>Where on the target a sector of a leg's device lies.</summary>
    Sectors BackOf(int leg, Sectors sector);

    /// <summary>A part that was sent to a leg has failed.</summary>
    void PartFailed(int leg, Errno error);
}
