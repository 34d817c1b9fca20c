namespace DmIo;

/// <summary>
/// A position on a block device or a length, counted in 512-byte sectors. Bytes and sectors are different types so that
/// neither crosses the export's edge by accident.
/// </summary>
/// <param name="Count">Number of 512-byte sectors.</param>
public readonly record struct Sectors(long Count) : IComparable<Sectors>
{
    /// <summary>log2 of the sector size.</summary>
    public const int Shift = 9;

    /// <summary>Bytes in one sector, whatever the device's logical block size is.</summary>
    public const int SizeBytes = 1 << Shift;

    /// <summary>No sectors; the first sector of a device.</summary>
    public static Sectors Zero => default;

    /// <summary>The same position or length in bytes.</summary>
    public long Bytes => Count << Shift;

    /// <summary>Converts a byte count that must be a multiple of 512.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative or not a whole number of sectors.</exception>
    public static Sectors FromBytes(long bytes)
    {
        if (bytes < 0 || (bytes & (SizeBytes - 1)) != 0)
            throw new ArgumentOutOfRangeException(nameof(bytes), bytes, "Not a whole number of 512-byte sectors.");
        return new(bytes >> Shift);
    }

    /// <summary>Whole sectors in <paramref name="bytes"/>, rounded down.</summary>
    public static Sectors Floor(long bytes) => new(bytes >> Shift);

    /// <summary>Sectors that cover <paramref name="bytes"/>, rounded up.</summary>
    public static Sectors Ceiling(long bytes) => new((bytes >> Shift) + ((bytes & (SizeBytes - 1)) == 0 ? 0 : 1));

    /// <summary>The smaller of two.</summary>
    public static Sectors Min(Sectors a, Sectors b) => a.Count <= b.Count ? a : b;

    /// <summary>The larger of two.</summary>
    public static Sectors Max(Sectors a, Sectors b) => a.Count >= b.Count ? a : b;

    /// <summary>Sum.</summary>
    public static Sectors operator +(Sectors a, Sectors b) => new(a.Count + b.Count);

    /// <summary>Difference.</summary>
    public static Sectors operator -(Sectors a, Sectors b) => new(a.Count - b.Count);

    /// <summary>Less than.</summary>
    public static bool operator <(Sectors a, Sectors b) => a.Count < b.Count;

    /// <summary>Greater than.</summary>
    public static bool operator >(Sectors a, Sectors b) => a.Count > b.Count;

    /// <summary>Less than or equal.</summary>
    public static bool operator <=(Sectors a, Sectors b) => a.Count <= b.Count;

    /// <summary>Greater than or equal.</summary>
    public static bool operator >=(Sectors a, Sectors b) => a.Count >= b.Count;

    /// <inheritdoc/>
    public int CompareTo(Sectors other) => Count.CompareTo(other.Count);

    /// <summary>The bare count, as device-mapper prints it.</summary>
    public override string ToString() => Count.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
