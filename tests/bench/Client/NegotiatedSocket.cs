namespace DmIo.SideBySide.Client;

/// <summary>A socket in the transmission phase, with the export's size and transmission flags.</summary>
internal readonly record struct NegotiatedSocket(int Descriptor, long SizeBytes, ushort Flags);
