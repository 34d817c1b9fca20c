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

    public void WriteTo(TextWriter writer)
    {
        foreach (string sentence in _sentences)
            writer.WriteLine($"dmio-nbd: {sentence}");
    }
}
