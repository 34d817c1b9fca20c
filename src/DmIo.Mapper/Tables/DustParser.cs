using System.Numerics;

namespace DmIo.Mapper;

/// <summary>The arguments of a dust line, in the kernel's words where they are wrong.</summary>
internal static class DustParser
{
    public static DustSpec? Parse(TableArguments arguments, Sectors length)
    {
        if (arguments.Left != 3)
        {
            arguments.Fail("", "Invalid argument count; a dust line ends in 'DEVICE OFFSET BLOCK_SIZE'");
            return null;
        }
        bool hasPlace = arguments.TryTakePlace(
            "Invalid device offset sector; it is a number of 512-byte sectors", out DeviceArgument leg);
        if (!arguments.TryTakeNumber(
            $"Invalid block size parameter; it is a number of bytes, a power of two from {DustSpec.MinBlockBytes} to "
            + $"{DustSpec.MaxBlockBytes}", 1, long.MaxValue, out long block))
        {
            return null;
        }
        string? wrong = block < DustSpec.MinBlockBytes ? $"Block size must be at least {DustSpec.MinBlockBytes}"
            : !BitOperations.IsPow2(block) ? "Block size must be a power of 2"
            : block > DustSpec.MaxBlockBytes ? "Block size is too large"
            : null;
        if (wrong is not null)
        {
            arguments.Fail(
                $"{block}", $"{wrong}; it is counted in bytes, from {DustSpec.MinBlockBytes} to {DustSpec.MaxBlockBytes}");
        }
        return hasPlace && wrong is null ? new DustSpec(leg, (int)block) : null;
    }
}
