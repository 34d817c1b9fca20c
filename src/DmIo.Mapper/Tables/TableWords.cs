using System.Text;

namespace DmIo.Mapper;

/// <summary>
/// Words of a table as the kernel splits them: blanks separate, a backslash takes the next character as it is. A word
/// that begins with <c>#</c> makes the rest of the line a comment.
/// </summary>
public static class TableWords
{
    /// <summary>Splits a line into its words, backslashes resolved, a comment left out.</summary>
    public static IReadOnlyList<string> Split(string line)
    {
        ArgumentNullException.ThrowIfNull(line);
        var words = new List<string>();
        var word = new StringBuilder();
        bool inWord = false;
        for (int i = 0; i < line.Length; i++)
        {
            char c = line[i];
            if (char.IsWhiteSpace(c))
            {
                if (inWord)
                    words.Add(word.ToString());
                word.Clear();
                inWord = false;
                continue;
            }
            if (c == '#' && !inWord)
                break;
            inWord = true;
            if (c == '\\' && i + 1 < line.Length)
                c = line[++i];
            word.Append(c);
        }
        if (inWord)
            words.Add(word.ToString());
        return words;
    }

    /// <summary>Writes a string as one word: blanks, backslashes and <c>#</c> get a backslash before them.</summary>
    public static string Quote(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!text.Any(NeedsQuote))
            return text;
        var word = new StringBuilder(text.Length + 8);
        foreach (char c in text)
        {
            if (NeedsQuote(c))
                word.Append('\\');
            word.Append(c);
        }
        return word.ToString();
    }

    private static bool NeedsQuote(char c) => char.IsWhiteSpace(c) || c is '\\' or '#';
}
