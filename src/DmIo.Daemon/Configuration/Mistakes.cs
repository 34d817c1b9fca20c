namespace DmIo.Daemon.Configuration;

/// <summary>All that is wrong with a configuration, in the order in which it was found.</summary>
internal sealed class Mistakes
{
    private readonly List<string> _sentences = [];

    public int Count => _sentences.Count;

    /// <summary>Adds a mistake: where it is, and what is wrong together with what to do about it.</summary>
    public void Add(string place, string message)
    {
        string sentence = $"{place}: {message}";
        if (!_sentences.Contains(sentence))
            _sentences.Add(sentence);
    }

    /// <summary>Adds all mistakes of a configuration but those that an earlier one had too.</summary>
    public void AddThoseNotIn(Mistakes earlier, Mistakes all) =>
        _sentences.AddRange(all._sentences.Except(earlier._sentences));

    /// <summary>Adds mistakes that are sentences already, one a line.</summary>
    public void AddLines(string lines) => _sentences.AddRange(lines.Split('\n').Except(_sentences));

    /// <summary>All of them, a line each.</summary>
    public override string ToString() => string.Join('\n', _sentences);

    public void WriteTo(TextWriter writer)
    {
        foreach (string sentence in _sentences)
            writer.WriteLine($"dmio-nbd: {sentence}");
    }
}
