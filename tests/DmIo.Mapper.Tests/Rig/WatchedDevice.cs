using DmIo.Testing;

namespace DmIo.Mapper.Tests;

/// <summary>
/// A scripted device that tells before it is changed, and remembers what was written and not flushed: a disk with a cache
/// may lose any of it.
/// </summary>
internal sealed class WatchedDevice(ManualLoop loop, string name, Sectors length, int logicalBlockBytes = Sectors.SizeBytes)
    : ScriptedDevice(loop, name, length, logicalBlockBytes)
{
    private readonly List<UnflushedWrite> _unflushed = [];
    private readonly List<UnflushedWrite> _forgotten = [];

    /// <summary>Called before each write and flush.</summary>
    public Action? Changing { get; set; }

    /// <summary>What a power cut may lose.</summary>
    public IReadOnlyList<UnflushedWrite> Unflushed => [.. _forgotten, .. _unflushed];

    /// <summary>Takes over what was written before and not flushed: a program was killed, the system was not.</summary>
    public void InheritUnflushed(IEnumerable<UnflushedWrite> writes) => _unflushed.AddRange(writes);

    /// <summary>
    /// Takes over what a flush had failed to make durable: it is read, and no flush makes it durable unless it is written
    /// again.
    /// </summary>
    public void InheritForgotten(IEnumerable<UnflushedWrite> writes) => _forgotten.AddRange(writes);

    /// <summary>What it could not make durable before it was opened.</summary>
    public Errno OldError { private get; set; }

    public override Errno TakeOldError()
    {
        Errno error = OldError;
        OldError = Errno.None;
        return error;
    }

    public override void Submit(BlockRequest request)
    {
        if (request.Operation != BlockOperation.Read)
            Changing?.Invoke();
        if (Holds || request.Operation == BlockOperation.Read)
        {
            base.Submit(request);
            return;
        }
        if (request.Operation == BlockOperation.Flush)
        {
            base.Submit(request);
            _unflushed.Clear();
            return;
        }
        byte[] before = Contents(request.Start, request.Count).ToArray();
        base.Submit(request);
        _forgotten.RemoveAll(write => request.Start <= write.Start
            && write.Start + Sectors.FromBytes(write.After.Length) <= request.Start + request.Count);
        _unflushed.Add(new UnflushedWrite(request.Start, before, Contents(request.Start, request.Count).ToArray()));
    }
}
