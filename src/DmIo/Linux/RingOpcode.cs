namespace DmIo.Linux;

/// <summary>The io_uring operations in use (<c>enum io_uring_op</c>).</summary>
internal enum RingOpcode : byte
{
    ReadV = 1,
    WriteV = 2,
    FSync = 3,
}
