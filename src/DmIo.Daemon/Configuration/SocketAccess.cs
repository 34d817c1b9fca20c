using System.Globalization;
using DmIo.Nbd;

namespace DmIo.Daemon.Configuration;

/// <summary>Understands who may connect to a Unix socket.</summary>
internal static class SocketAccess
{
    // A group is named to be let in, and by the usual umask it would not be.
    private const UnixFileMode ForGroup =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    private const int MostMode = 0x1ff; // 0777

    /// <summary>The rights of a socket's file; null when nothing is said about them.</summary>
    public static UnixSocketAccess? Read(
        string modePlace, string? mode, string groupPlace, string? group, Mistakes mistakes)
    {
        if (mode is null && group is null)
            return null;
        return new(
            mode is null ? ForGroup : Mode(modePlace, mode, mistakes),
            group is null ? null : Group(groupPlace, group, mistakes));
    }

    private static UnixFileMode? Mode(string place, string text, Mistakes mistakes)
    {
        int mode = 0;
        bool isOctal = text.Length is 3 or 4;
        foreach (char c in text)
        {
            isOctal &= c is >= '0' and <= '7';
            mode = (mode << 3) | (c & 7);
        }
        if (isOctal && mode <= MostMode)
            return (UnixFileMode)mode;
        mistakes.Add(place, $"'{text}' is no mode; write one from 000 to 0777 in octal, such as 0660 for owner and group");
        return null;
    }

    private static uint? Group(string place, string text, Mistakes mistakes)
    {
        // The last number means "no group" to the kernel.
        if (uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) && number < uint.MaxValue)
            return number;
        if (AccountNames.FindGroup(text) is { } id)
            return id;
        mistakes.Add(place, $"there is no group '{text}'; name one that 'getent group' shows, or its number");
        return null;
    }
}
