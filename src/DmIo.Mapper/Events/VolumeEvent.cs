namespace DmIo.Mapper;

/// <summary>Something that happened to a mapped device.</summary>
/// <param name="Sequence">Counts all events of all devices that share a ring, from 1.</param>
/// <param name="Number">
/// The device's event number after it. As in device-mapper it rises with a change of health and with a new table; other
/// kinds leave it as it is.
/// </param>
/// <param name="Time">When.</param>
/// <param name="Volume">The device's name.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Details">What it is about.</param>
/// <param name="Status">The status line of the target, as it was right after.</param>
public sealed record VolumeEvent(
    long Sequence, long Number, DateTimeOffset Time, string Volume, VolumeEventKind Kind, EventDetails Details,
    string Status)
{
    /// <summary>The event in a sentence for people.</summary>
    public string Text => EventText.Of(Kind, Details);
}
