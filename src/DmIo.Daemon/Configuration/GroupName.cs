using System.Runtime.InteropServices;

namespace DmIo.Daemon.Configuration;

/// <summary>Finds groups by their names, wherever the system keeps them.</summary>
internal static unsafe partial class GroupName
{
    private const int ERANGE = 34;

    // A group of the directory of a large house has thousands of members. Arbitrary.
    private const int MostBytes = 1 << 20;

    /// <summary>The group's number; null when there is none of that name.</summary>
    public static uint? Find(string name)
    {
        for (int bytes = 4096; bytes <= MostBytes; bytes *= 2)
        {
            byte[] texts = new byte[bytes];
            fixed (byte* buffer = texts)
            {
                Entry entry;
                Entry* found;
                int error = GetGroupByName(name, &entry, buffer, (nuint)bytes, &found);
                if (error != ERANGE)
                    return error == 0 && found != null ? entry.Id : null;
            }
        }
        return null;
    }

    [LibraryImport("libc", EntryPoint = "getgrnam_r", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int GetGroupByName(string name, Entry* entry, byte* buffer, nuint bytes, Entry** found);

    // struct group.
    [StructLayout(LayoutKind.Sequential)]
    private struct Entry
    {
        public byte* Name;
        public byte* Password;
        public uint Id;
        public byte** Members;
    }
}
