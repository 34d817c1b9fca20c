using DmIo.Testing;

namespace DmIo.Mapper.Tests;

/// <summary>The file for a record's bitmaps, whose bytes outlive it, as those of a file do.</summary>
internal sealed class SidecarDevice(ManualLoop loop, string name, Sectors length, Action<byte[]> save)
    : ScriptedDevice(loop, name, length)
{
    public bool IsClosed { get; private set; }

    public override void Submit(BlockRequest request)
    {
        base.Submit(request);
        if (!Holds)
            save(Contents().ToArray());
    }

    public override ValueTask DisposeAsync()
    {
        IsClosed = true;
        return base.DisposeAsync();
    }
}
