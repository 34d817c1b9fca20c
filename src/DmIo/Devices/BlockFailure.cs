using System.Text;

namespace DmIo;

/// <summary>
/// What is behind the error of a request to a device that has several beneath: which of them failed, and how.
/// </summary>
public sealed class BlockFailure
{
    private readonly FailedPart[] _parts;

    /// <summary>Describes a failure.</summary>
    /// <param name="device">The device that was asked.</param>
    /// <param name="parts">Those beneath that failed; none, where none could be asked.</param>
    public BlockFailure(string device, IEnumerable<FailedPart> parts)
    {
        Device = device;
        _parts = [.. parts];
    }

    /// <summary>The device that was asked.</summary>
    public string Device { get; }

    /// <summary>Those beneath that failed.</summary>
    public IReadOnlyList<FailedPart> Parts => _parts;

    /// <summary>Bit i stands for the device beneath whose index is i.</summary>
    public ulong ErrorBits
    {
        get
        {
            ulong bits = 0;
            foreach (FailedPart part in _parts)
                bits |= 1UL << part.Index;
            return bits;
        }
    }

    /// <summary>One sentence for people: each leg, what it failed, where and why, and the error bits.</summary>
    public override string ToString()
    {
        if (_parts.Length == 0)
            return $"{Device}: no leg that is there holds it";
        var text = new StringBuilder(Device).Append(": ");
        foreach (FailedPart part in _parts)
        {
            RegionFailure failure = part.Failure;
            text.Append(
                $"leg {part.Index} {part.Device} failed: {failure.Operation} at sector {failure.FirstFailingSector}: "
                + $"{failure.Errno}, ");
        }
        return text.Append($"error bits 0x{ErrorBits:x}").ToString();
    }
}
