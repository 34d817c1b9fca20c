using System.Runtime.InteropServices;

namespace DmIo.Linux;

/// <summary><c>struct io_uring_cqe</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct CompletionEntry
{
    public readonly ulong UserData;
    public readonly int Result;
    public readonly uint Flags;
}
