using System.Runtime.InteropServices;

namespace DmIo.Daemon.Configuration;

/// <summary>What the process may do with a file, asked of the kernel (access(2)).</summary>
internal static partial class Access
{
    private const int ReadOk = 4;
    private const int WriteOk = 2;

    public static bool MayRead(string path) => Ask(path, ReadOk) == 0;

    public static bool MayWrite(string path) => Ask(path, WriteOk) == 0;

    [LibraryImport("libc", EntryPoint = "access", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Ask(string path, int mode);
}
