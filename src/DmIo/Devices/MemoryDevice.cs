using System.Runtime.InteropServices;

namespace DmIo;

/// <summary>A device in memory: everything completes in the same batch. Its contents go with it.</summary>
public sealed unsafe class MemoryDevice : BlockDevice
{
    private byte* _memory;

    /// <summary>Allocates a device of zeroes.</summary>
    public MemoryDevice(IoLoop loop, string name, Sectors length, int logicalBlockBytes = Sectors.SizeBytes)
        : base(loop)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length.Count, 1);
        Name = name;
        Length = length;
        LogicalBlockBytes = logicalBlockBytes;
        _memory = (byte*)NativeMemory.AllocZeroed((nuint)length.Bytes);
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override Sectors Length { get; }

    /// <inheritdoc/>
    public override int LogicalBlockBytes { get; }

    /// <inheritdoc/>
    public override Sectors DiscardLimit => Length;

    /// <inheritdoc/>
    public override Sectors WriteZeroesLimit => Length;

    /// <inheritdoc/>
    public override bool CanZeroFast => true;

    /// <summary>The device's bytes, for whoever wants to look at them from outside.</summary>
    public Span<byte> Contents(Sectors start, Sectors count) => new(_memory + start.Bytes, checked((int)count.Bytes));

    /// <inheritdoc/>
    public override void Submit(BlockRequest request)
    {
        Errno invalid = Validate(request);
        if (invalid == Errno.None)
            Execute(request);
        request.Complete(Loop, invalid, request.Start);
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        NativeMemory.Free(_memory);
        _memory = null;
        return base.DisposeAsync();
    }

    private void Execute(BlockRequest request)
    {
        byte* at = _memory + request.Start.Bytes;
        switch (request.Operation)
        {
            case BlockOperation.Read:
                foreach (IoSegment segment in request.Data)
                {
                    new ReadOnlySpan<byte>(at, segment.LengthBytes).CopyTo(segment.Span);
                    at += segment.LengthBytes;
                }
                break;
            case BlockOperation.Write:
                foreach (IoSegment segment in request.Data)
                {
                    segment.Span.CopyTo(new Span<byte>(at, segment.LengthBytes));
                    at += segment.LengthBytes;
                }
                break;
            case BlockOperation.Discard or BlockOperation.WriteZeroes:
                NativeMemory.Clear(at, (nuint)request.Count.Bytes);
                break;
        }
    }
}
