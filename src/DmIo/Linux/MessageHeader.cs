using System.Runtime.InteropServices;

namespace DmIo.Linux;

/// <summary><c>struct msghdr</c>, 64-bit.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct MessageHeader
{
#pragma warning disable CA1051, CS1591 // The fields are the kernel's, in its order.
    public void* Name;
    public uint NameLength;
    public IoVec* Vectors;
    public nint VectorCount;
    public void* Control;
    public nint ControlLength;
    public int Flags;
#pragma warning restore CA1051, CS1591
}
