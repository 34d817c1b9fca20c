namespace DmIo.Mapper.Tests;

/// <summary>A request that stands for another one beneath a <see cref="PlantedDevice"/>.</summary>
internal sealed class PlantedRequest : BlockRequest
{
    private readonly PlantedDevice _device;
    private readonly BlockRequest _original;

    public PlantedRequest(PlantedDevice device, BlockRequest original)
    {
        _device = device;
        _original = original;
        Operation = original.Operation;
        Flags = original.Flags;
        Start = original.Start;
        Count = original.Count;
        Data = original.Data;
    }

    protected override void Completed() =>
        _original.Complete(_device.Loop, _device.Hides(this) ? Errno.None : Error, FailedAt);
}
