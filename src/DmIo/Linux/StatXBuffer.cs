using System.Runtime.InteropServices;

namespace DmIo.Linux;

/// <summary><c>struct statx</c>: the fields in use, at the kernel's offsets.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
public struct StatXBuffer
{
#pragma warning disable CA1051, CS1591 // The fields are the kernel's.
    [FieldOffset(0)]
    public uint Mask;
    [FieldOffset(28)]
    public ushort Mode;
    [FieldOffset(32)]
    public ulong Inode;
    [FieldOffset(40)]
    public ulong SizeBytes;
    [FieldOffset(48)]
    public ulong Blocks;
    [FieldOffset(80)]
    public long BirthSeconds;
    [FieldOffset(88)]
    public uint BirthNanoseconds;
    [FieldOffset(112)]
    public long ModifiedSeconds;
    [FieldOffset(120)]
    public uint ModifiedNanoseconds;
    [FieldOffset(128)]
    public uint RdevMajor;
    [FieldOffset(132)]
    public uint RdevMinor;
    [FieldOffset(136)]
    public uint DevMajor;
    [FieldOffset(140)]
    public uint DevMinor;
    [FieldOffset(152)]
    public uint DioMemoryAlign;
    [FieldOffset(156)]
    public uint DioOffsetAlign;
#pragma warning restore CA1051, CS1591
}
