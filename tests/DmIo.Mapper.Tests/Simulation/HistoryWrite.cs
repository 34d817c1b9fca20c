namespace DmIo.Mapper.Tests;

/// <summary>
/// A change as the <see cref="HistoryModel"/> knows it. All instants are counts of the model's events;
/// <see cref="NotYet"/> is later than all.
/// </summary>
internal sealed class HistoryWrite
{
    public const long NotYet = long.MaxValue;

    /// <summary>The zeroes that a sector holds when nothing was written to it.</summary>
    public static readonly HistoryWrite Initial = new()
    {
        Kind = BlockOperation.WriteZeroes,
        SubmittedAt = 0,
        AcknowledgedAt = 0,
        EndedAt = 0,
        DurableAt = 0,
        Remark = "what the device began with",
    };

    public required BlockOperation Kind { get; init; }

    public BlockFlags Flags { get; init; }

    public long Start { get; init; }

    public long Count { get; init; }

    /// <summary>When it was submitted: its place in the order, and what a write fills its sectors with.</summary>
    public required long SubmittedAt { get; init; }

    /// <summary>What its sectors read as: the stamp of a write, zero of anything else.</summary>
    public long Stamp => Kind == BlockOperation.Write ? SubmittedAt : 0;

    /// <summary>Since when reads must see it or something newer.</summary>
    public long AcknowledgedAt { get; set; } = NotYet;

    /// <summary>When it completed or a cut ended it: it cannot happen later.</summary>
    public long EndedAt { get; set; } = NotYet;

    /// <summary>Since when reads must see it or something newer whatever is cut.</summary>
    public long DurableAt { get; set; } = NotYet;

    /// <summary>What a flush that failed while the change was under way did to it.</summary>
    public HistoryDoubt Doubt { get; set; }

    /// <summary>What else there is to say about it in a message.</summary>
    public string Remark { get; set; } = "";

    public override string ToString()
    {
        string text = $"{Stamp} ({Kind} {Start}+{Count}{(Flags == BlockFlags.None ? "" : $" {Flags}")}, submitted at {SubmittedAt}";
        text += AcknowledgedAt != NotYet ? $", acknowledged at {AcknowledgedAt}"
            : EndedAt != NotYet ? $", ended at {EndedAt}" : ", under way";
        if (DurableAt != NotYet)
            text += $", durable at {DurableAt}";
        return text + (Remark.Length > 0 ? $": {Remark})" : ")");
    }
}
