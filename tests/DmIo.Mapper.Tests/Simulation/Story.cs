namespace DmIo.Mapper.Tests;

/// <summary>
/// The last events of a simulation, to understand a seed that fails. Off where there is none: callers write
/// <c>story?.Add($"...")</c>, and then not even the text is made.
/// </summary>
internal sealed class Story(int capacity = Story.DefaultCapacity)
{
    // Arbitrary: what someone reads of the past of a failure.
    private const int DefaultCapacity = 400;

    private readonly string[] _ring = new string[capacity];

    /// <summary>Events so far, also those that were forgotten.</summary>
    public long Count { get; private set; }

    /// <summary>The clock that events are marked with; the loop's of the present life.</summary>
    public TimeProvider? Time { get; set; }

    public void Add(string text)
    {
        string time = Time is null ? "" : $" {new TimeSpan(Time.GetTimestamp()).TotalMilliseconds:0.000}ms";
        _ring[(int)(Count % capacity)] = $"{Count}{time} {text}";
        Count++;
    }

    /// <summary>The events that are kept, oldest first, one a line.</summary>
    public override string ToString()
    {
        long first = Math.Max(0, Count - capacity);
        return string.Join('\n', Enumerable.Range(0, (int)(Count - first)).Select(i => _ring[(int)((first + i) % capacity)]));
    }
}
