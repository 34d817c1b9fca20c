using System.Globalization;

namespace DmIo.Daemon.Configuration;

/// <summary>Sizes as people write them: a number of bytes, or one with K, M, G or T, the powers of 1024.</summary>
internal static class ByteSize
{
    private const string Suffixes = "KMGT";

    /// <summary>What to write instead of what was not understood.</summary>
    public const string Remedy = "write bytes, or a number with K, M, G or T (powers of 1024), such as 512M";

    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        int shift = 0;
        ReadOnlySpan<char> digits = text;
        int suffix = digits.Length == 0 ? -1 : Suffixes.AsSpan().IndexOf(char.ToUpperInvariant(digits[^1]));
        if (suffix >= 0)
        {
            shift = 10 * (suffix + 1);
            digits = digits[..^1];
        }
        if (!long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long number) || number <= 0)
            return false;
        if (number > long.MaxValue >> shift)
            return false;
        bytes = number << shift;
        return true;
    }

    /// <summary>The size as people read it: whole units where it is one, bytes otherwise.</summary>
    public static string Format(long bytes)
    {
        for (int i = Suffixes.Length; i > 0; i--)
        {
            long unit = 1L << (10 * i);
            if (bytes >= unit && bytes % unit == 0)
                return $"{bytes / unit}{Suffixes[i - 1]}";
        }
        return $"{bytes} bytes";
    }
}
