namespace DmIo.Nbd.Tests;

/// <summary>A request that changes an export's bytes, from the moment when it was sent whole.</summary>
internal sealed class FuzzChange(object client, long sentAt, long from, long to, ReadOnlyMemory<byte>? data)
{
    /// <summary>Whose it is.</summary>
    public object Client { get; } = client;

    public long SentAt { get; } = sentAt;

    /// <summary>When it was answered; as long as it was not, in the future.</summary>
    public long AnsweredAt { get; set; } = long.MaxValue;

    public long From { get; } = from;

    public long To { get; } = to;

    /// <summary>What the range then holds; null: nobody can say.</summary>
    public ReadOnlyMemory<byte>? Data { get; } = data;

    /// <summary>WRITE: those of one client are done in the order in which they were sent.</summary>
    public bool IsWrite { get; init; }

    public bool Overlaps(long from, long to) => From < to && from < To;
}
