using System.Runtime.InteropServices;

namespace DmIo.Linux;

/// <summary><c>struct iovec</c>.</summary>
/// <param name="Base">First byte.</param>
/// <param name="Length">Length in bytes.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct IoVec(nint Base, nint Length)
{
    /// <summary>The most vectors that one call takes (IOV_MAX).</summary>
    public const int Max = 1024;
}
