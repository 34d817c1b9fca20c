using System.Globalization;
using System.Text;

namespace DmIo.Nbd;

/// <summary>Texts that clients had a hand in, made fit for a log: no control characters, no endless lines.</summary>
internal static class Printable
{
    // A name may have 4096 bytes; a log line is read by people. Arbitrary.
    private const int MaxChars = 200;

    /// <summary>The text in quotation marks, what is not printable as \uXXXX, cut when long.</summary>
    public static string Name(string text) => $"\"{Bare(text)}\"{(text.Length > MaxChars ? "..." : "")}";

    /// <summary>The same without quotation marks.</summary>
    public static string Bare(string text)
    {
        var line = new StringBuilder(Math.Min(text.Length, MaxChars));
        foreach (char c in text.AsSpan(0, Math.Min(text.Length, MaxChars)))
        {
            if (c is '"' or '\\')
                line.Append('\\').Append(c);
            else if (IsPlain(c))
                line.Append(c);
            else
                line.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
        }
        return line.ToString();
    }

    private static bool IsPlain(char c) => char.GetUnicodeCategory(c) is not (UnicodeCategory.Control
        or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
}
