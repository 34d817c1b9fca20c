namespace DmIo.Benchmarks.Mirror;

/// <summary>A memory device that can stop answering: what it is asked then waits, and lands when it no longer hangs.</summary>
internal sealed class HangingDevice(IoLoop loop, string name, Sectors length) : BlockDevice(loop)
{
    private readonly MemoryDevice _memory = new(loop, name, length);
    private readonly Queue<BlockRequest> _waiting = new();

    public bool Hangs { get; private set; }

    /// <summary>The most operations that ever waited.</summary>
    public int MostWaiting { get; private set; }

    public override string Name => _memory.Name;

    public override Sectors Length => _memory.Length;

    public override void Submit(BlockRequest request)
    {
        if (!Hangs)
        {
            _memory.Submit(request);
            return;
        }
        _waiting.Enqueue(request);
        MostWaiting = Math.Max(MostWaiting, _waiting.Count);
    }

    public void Hang() => Hangs = true;

    public void Answer()
    {
        Hangs = false;
        while (_waiting.TryDequeue(out BlockRequest? request))
            _memory.Submit(request);
    }

    public override async ValueTask DisposeAsync()
    {
        await _memory.DisposeAsync();
        await base.DisposeAsync();
    }
}
