using System.Runtime.InteropServices;

namespace DmIo.Linux;

/// <summary><c>struct io_uring_sqe</c>: the fields in use, at the kernel's offsets.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct SubmissionEntry
{
    [FieldOffset(0)]
    public RingOpcode Opcode;
    [FieldOffset(4)]
    public int Fd;
    [FieldOffset(8)]
    public long OffsetBytes;
    [FieldOffset(16)]
    public nint Address;
    [FieldOffset(24)]
    public uint Length;
    [FieldOffset(28)]
    public uint OperationFlags;
    [FieldOffset(32)]
    public ulong UserData;
}
