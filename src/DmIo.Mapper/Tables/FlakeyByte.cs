namespace DmIo.Mapper;

/// <summary><c>corrupt_bio_byte NTH r|w VALUE FLAGS</c>: a byte of each matching request is replaced.</summary>
/// <param name="Nth">Which byte of the request's data, from 1 on; shorter requests stay as they are.</param>
/// <param name="OfWrites">Whether writes are corrupted, and not reads.</param>
/// <param name="Value">What the byte becomes.</param>
/// <param name="Flags">Only requests that have all these bits of the kernel's operation word; zero is any.</param>
public sealed record FlakeyByte(uint Nth, bool OfWrites, byte Value, uint Flags);
