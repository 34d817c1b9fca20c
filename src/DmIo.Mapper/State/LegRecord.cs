namespace DmIo.Mapper;

/// <summary>One leg in the state file.</summary>
internal sealed record LegRecord
{
    public required LegIdentity Identity { get; init; }

    public required long OffsetSectors { get; init; }

    public required LegState State { get; init; }

    public LegFailure? Failure { get; init; }
}
