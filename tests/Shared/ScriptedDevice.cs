using System.Runtime.InteropServices;

namespace DmIo.Testing;

/// <summary>
/// A device in memory that does what a test tells it to: holds requests until released, in any order, and fails chosen
/// sectors or operations with a chosen errno. It keeps a log of everything that was submitted.
/// </summary>
public unsafe class ScriptedDevice : BlockDevice
{
    private readonly List<ScriptedFault> _faults = [];
    private readonly List<BlockRequest> _held = [];
    private readonly List<BlockRequest> _early = [];
    private readonly List<ScriptedCall> _log = [];
    private byte* _memory;
    private Sectors _length;

    public ScriptedDevice(IoLoop loop, string name, Sectors length, int logicalBlockBytes = Sectors.SizeBytes)
        : base(loop)
    {
        Name = name;
        _length = length;
        LogicalBlockBytes = logicalBlockBytes;
        DiscardCapability = WriteZeroesCapability = length;
        _memory = (byte*)NativeMemory.AllocZeroed((nuint)length.Bytes);
    }

    /// <summary>Makes the device longer; what is new is zero. Nothing may be under way.</summary>
    public void Lengthen(Sectors length)
    {
        _memory = (byte*)NativeMemory.Realloc(_memory, (nuint)length.Bytes);
        Sectors old = _length;
        _length = length;
        Contents(old, length - old).Clear();
    }

    public override string Name { get; }

    public override Sectors Length => _length;

    public override int LogicalBlockBytes { get; }

    public override bool IsReadOnly => ReadOnly;

    public override Sectors DiscardLimit => DiscardCapability;

    public override bool CanZeroFast => ZeroesFast;

    /// <summary>What <see cref="CanZeroFast"/> tells.</summary>
    public bool ZeroesFast { get; set; }

    public override Sectors WriteZeroesLimit => WriteZeroesCapability;

    /// <summary>What <see cref="IsReadOnly"/> tells.</summary>
    public bool ReadOnly { get; set; }

    /// <summary>What <see cref="DiscardLimit"/> tells; zero for a device that cannot.</summary>
    public Sectors DiscardCapability { get; set; }

    /// <summary>What <see cref="WriteZeroesLimit"/> tells; zero for a device that cannot.</summary>
    public Sectors WriteZeroesCapability { get; set; }

    /// <summary>What <see cref="ReadExtentsAsync"/> tells; null: all of it is data.</summary>
    public Func<Sectors, Sectors, IReadOnlyList<BlockExtent>>? Extents { get; set; }

    /// <summary>Whether new requests wait for a release. What is held is neither read nor written before.</summary>
    public bool Holds { get; set; }

    /// <summary>What waits to be released, in the order of submission.</summary>
    public IReadOnlyList<BlockRequest> Held => _held;

    /// <summary>What was completed early and has not landed, in the order of completion.</summary>
    public IReadOnlyList<BlockRequest> Early => _early;

    /// <summary>Everything that was submitted so far, in order.</summary>
    public IReadOnlyList<ScriptedCall> Log => _log;

    /// <summary>The device's bytes.</summary>
    public Span<byte> Contents(Sectors start, Sectors count) => new(_memory + start.Bytes, checked((int)count.Bytes));

    /// <summary>All of the device's bytes.</summary>
    public Span<byte> Contents() => Contents(Sectors.Zero, Length);

    /// <summary>
    /// From now on requests that touch a range fail there; a transfer is done up to its first failing sector.
    /// </summary>
    /// <param name="start">First failing sector.</param>
    /// <param name="count">How many.</param>
    /// <param name="errno">Why.</param>
    /// <param name="operation">The only operation that fails; null: all that touch the range.</param>
    public void Fail(Sectors start, Sectors count, Errno errno = Errno.EIO, BlockOperation? operation = null) =>
        _faults.Add(new ScriptedFault(start, count, errno, operation));

    /// <summary>From now on a range cannot be read, until a write of all of it: a disk then puts it elsewhere.</summary>
    public void Spoil(Sectors start, Sectors count) =>
        _faults.Add(new ScriptedFault(start, count, Errno.EIO, BlockOperation.Read, EndsWhenWritten: true));

    /// <summary>From now on every request fails, flushes too; or every one of one operation.</summary>
    public void FailAll(Errno errno = Errno.EIO, BlockOperation? operation = null) =>
        _faults.Add(new ScriptedFault(Sectors.Zero, new Sectors(long.MaxValue), errno, operation));

    /// <summary>Ends all faults.</summary>
    public void Heal() => _faults.Clear();

    /// <summary>Forgets the log.</summary>
    public void ClearLog() => _log.Clear();

    /// <summary>Lets one held request go; its faults are those of this moment.</summary>
    public void Release(BlockRequest request)
    {
        if (!_held.Remove(request))
            throw new InvalidOperationException("The request is not held.");
        Execute(request);
    }

    /// <summary>Lets the first held request go.</summary>
    public void ReleaseFirst() => Release(_held[0]);

    /// <summary>Lets everything go that is held now; what comes later is held if <see cref="Holds"/> says so.</summary>
    public void ReleaseAll()
    {
        foreach (BlockRequest request in _held.ToArray())
            Release(request);
    }

    /// <summary>
    /// Completes a held request although it has not been done: its memory stays in use, and in a hold, until
    /// <see cref="Land"/>.
    /// </summary>
    public void CompleteEarly(BlockRequest request, Errno errno = Errno.None)
    {
        if (!_held.Remove(request))
            throw new InvalidOperationException("The request is not held.");
        _early.Add(request);
        request.Hold();
        request.Complete(Loop, errno, request.Start);
    }

    /// <summary>Lands everything that was completed early.</summary>
    public void LandAll()
    {
        foreach (BlockRequest request in _early.ToArray())
            Land(request);
    }

    /// <summary>Does what was completed early, and lets its memory go.</summary>
    public void Land(BlockRequest request)
    {
        if (!_early.Remove(request))
            throw new InvalidOperationException("The request was not completed early.");
        Transfer(request, request.Count);
        request.Unhold();
    }

    public override void Submit(BlockRequest request)
    {
        _log.Add(new ScriptedCall(request.Operation, request.Flags, request.Start, request.Count));
        Errno invalid = Validate(request);
        if (invalid != Errno.None)
            request.Complete(Loop, invalid, request.Start);
        else if (Holds)
            _held.Add(request);
        else
            Execute(request);
    }

    public override ValueTask<IReadOnlyList<BlockExtent>> ReadExtentsAsync(
        Sectors start, Sectors count, CancellationToken cancellationToken = default) =>
        Extents is null ? base.ReadExtentsAsync(start, count, cancellationToken) : new(Extents(start, count));

    public override ValueTask DisposeAsync()
    {
        NativeMemory.Free(_memory);
        _memory = null;
        GC.SuppressFinalize(this);
        return base.DisposeAsync();
    }

    private void Execute(BlockRequest request)
    {
        Errno errno = Errno.None;
        Sectors end = request.End;
        foreach (ScriptedFault fault in _faults)
        {
            if (!fault.Hits(request))
                continue;
            Sectors first = Sectors.Max(fault.Start, request.Start);
            if (errno != Errno.None && first >= end)
                continue;
            errno = fault.Errno;
            end = first;
        }
        Transfer(request, end - request.Start);
        for (int i = _faults.Count - 1; i >= 0 && errno == Errno.None; i--)
        {
            if (_faults[i].EndsWith(request))
                _faults.RemoveAt(i);
        }
        request.Complete(Loop, errno, end);
    }

    private void Transfer(BlockRequest request, Sectors count)
    {
        if (request.Operation == BlockOperation.Flush || count == Sectors.Zero)
            return;
        Span<byte> range = Contents(request.Start, count);
        switch (request.Operation)
        {
            case BlockOperation.Read:
                request.Data.CopyFrom(range);
                break;
            case BlockOperation.Write:
                request.Data.CopyTo(range);
                break;
            default:
                range.Clear();
                break;
        }
    }
}
