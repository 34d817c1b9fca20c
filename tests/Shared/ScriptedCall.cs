namespace DmIo.Testing;

/// <summary>One submission as a <see cref="ScriptedDevice"/> saw it.</summary>
public readonly record struct ScriptedCall(BlockOperation Operation, BlockFlags Flags, Sectors Start, Sectors Count);
