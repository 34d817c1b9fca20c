namespace DmIo.Daemon.Configuration;

/// <summary>Names of mapped devices, which also serve as names of state files.</summary>
internal static class DeviceName
{
    // DM_NAME_LEN without the closing zero.
    private const int LengthLimit = 127;

    public const string Remedy = "take 1 to 127 letters, digits and any of . _ - +, not beginning with a dot";

    public static bool IsValid(string name) =>
        name.Length is > 0 and <= LengthLimit
        && name[0] != '.'
        && name.All(c => char.IsAsciiLetterOrDigit(c) || "._-+".Contains(c, StringComparison.Ordinal));
}
