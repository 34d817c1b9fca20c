namespace DmIo.Mapper.Tests;

/// <summary>A write that no flush has followed.</summary>
internal sealed record UnflushedWrite(Sectors Start, byte[] Before, byte[] After);
