namespace DmIo.Mapper.Tests;

/// <summary>Hands on what a device is asked, but for what a <see cref="PlantedFault"/> changes.</summary>
internal sealed class PlantedDevice(BlockDevice device) : BlockDevice(device.Loop)
{
    /// <summary>What succeeds and is not done.</summary>
    public Func<BlockRequest, bool> Swallows { get; init; } = _ => false;

    /// <summary>What of a request is changed.</summary>
    public Action<BlockRequest> Changes { get; init; } = _ => { };

    /// <summary>Whether the request itself is changed and handed on; otherwise another one stands for it.</summary>
    public bool InPlace { get; init; }

    /// <summary>Whose failure is not told.</summary>
    public Func<BlockRequest, bool> Hides { get; init; } = _ => false;

    public override string Name => device.Name;

    public override Sectors Length => device.Length;

    public override int LogicalBlockBytes => device.LogicalBlockBytes;

    public override Sectors DiscardLimit => device.DiscardLimit;

    public override Sectors WriteZeroesLimit => device.WriteZeroesLimit;

    public override void Submit(BlockRequest request)
    {
        if (Swallows(request))
        {
            request.Complete(Loop);
            return;
        }
        BlockRequest changed = InPlace ? request : new PlantedRequest(this, request);
        Changes(changed);
        device.Submit(changed);
    }

    public override ValueTask<IReadOnlyList<BlockExtent>> ReadExtentsAsync(
        Sectors start, Sectors count, CancellationToken cancellationToken = default) =>
        device.ReadExtentsAsync(start, count, cancellationToken);
}
