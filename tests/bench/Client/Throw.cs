using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using DmIo.SideBySide.Native;

namespace DmIo.SideBySide.Client;

/// <summary>The cold ends of the client's loops.</summary>
internal static class Throw
{
    [DoesNotReturn]
    public static void Socket(string call, nint result)
    {
        int error = Marshal.GetLastPInvokeError();
        throw new NbdException(result == 0
            ? "the server closed the connection"
            : error == Libc.EAGAIN ? $"{call}: no progress for {UnixSocket.StallSeconds} s"
            : $"{call}: {new Win32Exception(error).Message}");
    }

    [DoesNotReturn]
    public static void Magic(uint magic) => throw new NbdException($"reply with magic 0x{magic:x8}");

    [DoesNotReturn]
    public static void Cookie(ulong cookie) => throw new NbdException($"reply with unknown cookie 0x{cookie:x16}");

    [DoesNotReturn]
    public static void Reply(uint error) => throw new NbdException($"a request failed with error {error}");

    [DoesNotReturn]
    public static void Protocol(string what) => throw new NbdException(what);
}
