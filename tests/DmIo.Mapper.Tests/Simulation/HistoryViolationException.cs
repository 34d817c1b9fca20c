namespace DmIo.Mapper.Tests;

/// <summary>A device did what its <see cref="HistoryModel"/> forbids.</summary>
internal sealed class HistoryViolationException(string message) : Exception(message);
