namespace DmIo.Mapper.Tests;

/// <summary>Whether a block can be read and written.</summary>
internal enum BlockHealth : byte
{
    Good,

    /// <summary>Reads fail until the block is rewritten.</summary>
    Unreadable,

    /// <summary>Reads and writes fail.</summary>
    Dead,
}
