namespace DmIo.Tests;

/// <summary>A request that writes down what it is told of its regions.</summary>
internal sealed class RegionRequest : IoRequest
{
    /// <summary>What was told, in order: "region 0 None", "done 0x1", "landed 1".</summary>
    public List<string> Story { get; } = [];

    public bool IsSilent { get; init; }

    /// <summary>Runs when a region has ended.</summary>
    public Action<int>? OnRegion { get; set; }

    public RegionFailure? Failure { get; private set; }

    /// <summary>How often everything of the request has come to rest.</summary>
    public int Rests { get; private set; }

    protected internal override bool TracksRegions => true;

    public static RegionRequest Write(ReadOnlySpan<IoRegion> regions, IoMemory memory) =>
        Of(BlockOperation.Write, regions, memory);

    public static RegionRequest Of(BlockOperation operation, ReadOnlySpan<IoRegion> regions, IoMemory memory)
    {
        var request = new RegionRequest { Operation = operation, Memory = memory };
        request.SetRegions(regions);
        return request;
    }

    protected internal override void RegionFinished(int region, in RegionFailure? failure)
    {
        if (!IsSilent)
            Story.Add($"region {region} {failure?.Errno ?? Errno.None}");
        Failure = failure ?? Failure;
        OnRegion?.Invoke(region);
    }

    protected internal override void Landed(int region)
    {
        if (!IsSilent)
            Story.Add($"landed {region}");
        if (PinnedBits == 0)
            Rests++;
    }

    protected internal override void Notify(in IoOutcome outcome)
    {
        if (!IsSilent)
            Story.Add($"done 0x{outcome.ErrorBits:x}");
        if (PinnedBits == 0)
            Rests++;
    }
}
