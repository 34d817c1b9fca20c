namespace DmIo.Benchmarks.Mirror;

/// <summary>A memory device that counts what changes it.</summary>
internal sealed class CountingDevice(IoLoop loop, string name, Sectors length) : BlockDevice(loop)
{
    private readonly MemoryDevice _memory = new(loop, name, length);

    public long Writes { get; private set; }

    public long WrittenBytes { get; private set; }

    public long Flushes { get; private set; }

    public override string Name => _memory.Name;

    public override Sectors Length => _memory.Length;

    public override void Submit(BlockRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Operation == BlockOperation.Flush)
        {
            Flushes++;
        }
        else if (request.ChangesData)
        {
            Writes++;
            WrittenBytes += request.Count.Bytes;
        }
        _memory.Submit(request);
    }

    public override async ValueTask DisposeAsync()
    {
        await _memory.DisposeAsync();
        await base.DisposeAsync();
    }
}
