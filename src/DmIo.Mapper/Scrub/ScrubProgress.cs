namespace DmIo.Mapper;

/// <summary>How far a check or a repair is: an instant of it.</summary>
/// <param name="IsRepair">Whether legs are made alike.</param>
/// <param name="IsRunning">Whether it is at work; otherwise it ended early, and the next one goes on.</param>
/// <param name="Position">Sector of the volume up to which everything is done.</param>
/// <param name="Done">Sectors of the mirror that are done.</param>
/// <param name="Total">All of them.</param>
/// <param name="RateBytes">Bytes of the volume per second since it began or was taken up again.</param>
/// <param name="Left">How long the rest takes at that rate.</param>
/// <param name="Differing">Sectors in which legs differed so far.</param>
/// <param name="UnreadableSectors">Sectors that legs could not read so far.</param>
public sealed record ScrubProgress(
    bool IsRepair, bool IsRunning, Sectors Position, Sectors Done, Sectors Total, long RateBytes, TimeSpan Left,
    Sectors Differing, Sectors UnreadableSectors)
{
    /// <summary>How much is done, in hundredths.</summary>
    public int Percent => Total == Sectors.Zero ? 100 : (int)(Done.Count * 100 / Total.Count);
}
