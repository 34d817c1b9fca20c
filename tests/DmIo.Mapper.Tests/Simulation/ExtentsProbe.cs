namespace DmIo.Mapper.Tests;

/// <summary>A question for extents, on its way through a simulated disk as a read without memory.</summary>
internal sealed class ExtentsProbe : BlockRequest
{
    private readonly SimulatedDisk _disk;
    private readonly TaskCompletionSource<IReadOnlyList<BlockExtent>> _answer = new();

    public ExtentsProbe(SimulatedDisk disk, Sectors start, Sectors count)
    {
        _disk = disk;
        Operation = BlockOperation.Read;
        Start = start;
        Count = count;
    }

    public Task<IReadOnlyList<BlockExtent>> Task => _answer.Task;

    protected override void Completed()
    {
        if (Error != Errno.None)
            _answer.SetException(new IOException($"{_disk.Name}: {Error}"));
        else
            _answer.SetResult(Find());
    }

    private List<BlockExtent> Find()
    {
        SimulatedMedia media = _disk.Media;
        if (!media.TellsHoles)
            return [new BlockExtent(Start, Count, ExtentKind.Data)];
        var extents = new List<BlockExtent>();
        long unit = media.BlockBytes >> Sectors.Shift;
        for (Sectors at = Start; at < End;)
        {
            long block = at.Count / unit;
            var next = Sectors.Min(new((block + 1) * unit), End);
            ExtentKind kind = media.Contents.IsHole((int)block) ? ExtentKind.Hole : ExtentKind.Data;
            if (extents.Count > 0 && extents[^1].Kind == kind)
                extents[^1] = extents[^1] with { Count = next - extents[^1].Start };
            else
                extents.Add(new BlockExtent(at, next - at, kind));
            at = next;
        }
        return extents;
    }
}
