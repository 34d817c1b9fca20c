namespace DmIo.Mapper;

/// <summary>How far a log of writes has been written.</summary>
/// <param name="Next">The sector of 512 bytes behind its last entry.</param>
/// <param name="Entries">How many entries there are.</param>
/// <param name="IsEnabled">Whether more may come.</param>
internal sealed record WritesLogPlace(long Next, long Entries, bool IsEnabled);
