using System.Runtime.InteropServices;

namespace DmIo.Linux;

/// <summary><c>struct epoll_event</c>; packed on x86-64 alone, so its fields are reached through accessors.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct EPollEvent
{
    private fixed uint _words[4];

    private static readonly int s_dataWord =
        RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 1 : 2;

    /// <summary>Bytes from one element of an array to the next.</summary>
    public static int StrideBytes => (s_dataWord + 2) * sizeof(uint);

    /// <summary>EPOLLIN and friends.</summary>
    public uint Events
    {
        readonly get => _words[0];
        set => _words[0] = value;
    }

    /// <summary>What the watcher gave to know the descriptor by.</summary>
    public ulong Data
    {
        readonly get => _words[s_dataWord] | (ulong)_words[s_dataWord + 1] << 32;
        set
        {
            _words[s_dataWord] = (uint)value;
            _words[s_dataWord + 1] = (uint)(value >> 32);
        }
    }
}
