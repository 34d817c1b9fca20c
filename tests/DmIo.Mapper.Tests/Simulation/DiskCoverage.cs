namespace DmIo.Mapper.Tests;

/// <summary>
/// How often each <see cref="DiskEvent"/> happened. One for several disks or lives, or one each and then
/// <see cref="Add(DiskCoverage)"/>.
/// </summary>
internal sealed class DiskCoverage
{
    private readonly long[] _counts = new long[Enum.GetValues<DiskEvent>().Length];

    public long this[DiskEvent what] => _counts[(int)what];

    /// <summary>What has not happened.</summary>
    public IEnumerable<DiskEvent> Missing => Enum.GetValues<DiskEvent>().Where(what => this[what] == 0);

    /// <summary>Called for each event when it happens.</summary>
    public Action<DiskEvent>? Counted { get; set; }

    public void Count(DiskEvent what)
    {
        _counts[(int)what]++;
        Counted?.Invoke(what);
    }

    public void Add(DiskCoverage other)
    {
        for (int i = 0; i < _counts.Length; i++)
            _counts[i] += other._counts[i];
    }

    public override string ToString() =>
        string.Join(", ", Enum.GetValues<DiskEvent>().Where(what => this[what] > 0).Select(what => $"{this[what]} {what}"));
}
