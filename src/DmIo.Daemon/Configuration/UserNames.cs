using System.Runtime.InteropServices;

namespace DmIo.Daemon.Configuration;

/// <summary>The system's users (getpwnam(3)).</summary>
internal static partial class UserNames
{
    // struct passwd begins with two pointers, name and password; the number follows.
    private static readonly int s_numberOffset = 2 * nint.Size;

    /// <summary>A user's number; null when there is no such user.</summary>
    public static uint? Find(string name)
    {
        nint entry = GetPasswd(name);
        return entry == 0 ? null : (uint)Marshal.ReadInt32(entry, s_numberOffset);
    }

    [LibraryImport("libc", EntryPoint = "getpwnam", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint GetPasswd(string name);
}
