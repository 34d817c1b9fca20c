using System.Runtime.InteropServices;

namespace DmIo.Daemon.Configuration;

/// <summary>Finds users and groups by their names, wherever the system keeps them.</summary>
internal static unsafe partial class AccountNames
{
    private const int ERANGE = 34;

    // Most have less to tell; who has more is asked again.
    private const int UsualBytes = 4096;

    // A group of the directory of a large house has thousands of members. Arbitrary.
    private const int MostBytes = 1 << 20;

    private unsafe delegate int Lookup(string name, Entry* entry, byte* texts, nuint bytes, Entry** found);

    /// <summary>A user's number; null when there is none of that name.</summary>
    public static uint? FindUser(string name) => Find(name, GetUserByName);

    /// <summary>A group's number; null when there is none of that name.</summary>
    public static uint? FindGroup(string name) => Find(name, GetGroupByName);

    private static uint? Find(string name, Lookup look)
    {
        for (int bytes = UsualBytes; bytes <= MostBytes; bytes *= 2)
        {
            fixed (byte* texts = new byte[bytes])
            {
                Entry entry;
                Entry* found;
                int error = look(name, &entry, texts, (nuint)bytes, &found);
                if (error != ERANGE)
                    return error == 0 && found != null ? entry.Id : null;
            }
        }
        return null;
    }

    [LibraryImport("libc", EntryPoint = "getpwnam_r", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int GetUserByName(string name, Entry* entry, byte* texts, nuint bytes, Entry** found);

    [LibraryImport("libc", EntryPoint = "getgrnam_r", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int GetGroupByName(string name, Entry* entry, byte* texts, nuint bytes, Entry** found);

    // struct passwd, and struct group, which begins alike and is shorter.
    [StructLayout(LayoutKind.Sequential)]
    private struct Entry
    {
        public byte* Name;
        public byte* Password;
        public uint Id;
        public uint GroupId;
        public byte* FullName;
        public byte* Home;
        public byte* Shell;
    }
}
