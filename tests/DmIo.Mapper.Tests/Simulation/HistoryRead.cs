namespace DmIo.Mapper.Tests;

/// <summary>A read that was submitted, for the <see cref="HistoryModel"/>.</summary>
internal readonly record struct HistoryRead(long Start, long Count, long SubmittedAt);
