using System.Buffers;

namespace DmIo.Nbd.Tls;

/// <summary>
/// Shows a piece of unmanaged memory as <see cref="Memory{T}"/>, one piece at a time: what was got from it before is
/// void.
/// </summary>
internal sealed unsafe class NativeWindow : MemoryManager<byte>
{
    private byte* _address;
    private int _length;

    public Memory<byte> Show(nint address, int lengthBytes)
    {
        _address = (byte*)address;
        _length = lengthBytes;
        return CreateMemory(lengthBytes);
    }

    public override Span<byte> GetSpan() => new(_address, _length);

    public override MemoryHandle Pin(int elementIndex = 0) => new(_address + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
