namespace DmIo.Mapper.Tests;

/// <summary>A flush that was submitted, for the <see cref="HistoryModel"/>.</summary>
internal readonly record struct HistoryFlush(long SubmittedAt);
