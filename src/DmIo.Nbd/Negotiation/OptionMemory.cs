namespace DmIo.Nbd.Negotiation;

/// <summary>
/// What the data of options may take in all, of clients that nobody knows yet. Short options always fit, so that whoever
/// fills it keeps nobody out. On the front loop.
/// </summary>
internal sealed class OptionMemory(long limitBytes)
{
    /// <summary>
    /// What counts as short: a name and two queries of the longest kind. Whatever real clients send is shorter.
    /// </summary>
    public const int ShortBytes = 16 << 10;

    private long _bytes;

    /// <summary>The most that it may be; what is there stays.</summary>
    public long LimitBytes { get; set; } = limitBytes;

    /// <summary>Whether there is room for an option's data; then it counts until <see cref="Return"/>.</summary>
    public bool TryTake(int bytes)
    {
        if (bytes <= ShortBytes)
            return true;
        if (_bytes + bytes > LimitBytes)
            return false;
        _bytes += bytes;
        return true;
    }

    public void Return(int bytes)
    {
        if (bytes > ShortBytes)
            _bytes -= bytes;
    }
}
