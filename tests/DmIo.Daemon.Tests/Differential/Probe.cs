namespace DmIo.Daemon.Tests;

/// <summary>One question, asked of every server on a connection of its own.</summary>
/// <param name="Name">What it is called in the table.</param>
/// <param name="Play">The conversation; what is to be compared is written down by the client.</param>
internal sealed record Probe(string Name, Action<RawClient> Play)
{
    /// <summary>What a probe writes down when the server does not offer what it is about.</summary>
    public const string NotOffered = "-";

    // Silence that is expected is waited for so long; other silence far longer, since a busy machine is silent too.
    private const int ShortPatienceMs = 1000;
    private const int LongPatienceMs = 20_000;

    /// <summary>The normalised answer.</summary>
    public string Ask(PeerServer server, byte[] model, bool mayBeSilent = false)
    {
        using var client = new RawClient(server.Socket, model, mayBeSilent ? ShortPatienceMs : LongPatienceMs);
        try
        {
            Play(client);
        }
        catch (WireEndException e)
        {
            client.Hear(e.Message);
        }
        return string.Join(", ", client.Heard);
    }
}
