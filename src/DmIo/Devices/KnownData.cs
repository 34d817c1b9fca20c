namespace DmIo;

/// <summary>
/// The last run of data that was found in a file, so that going through the file in pieces does not look for the end of
/// the same run again and again: a file in memory walks all its pages to find it. Wrong only where others punch holes, and
/// then it says data for a hole, never the other way round. For any thread.
/// </summary>
internal sealed class KnownData
{
    private readonly Lock _gate = new();
    private long _from;
    private long _to;
    private long _version;

    /// <summary>Grows whenever holes may have been made.</summary>
    public long Version
    {
        get
        {
            lock (_gate)
                return _version;
        }
    }

    /// <summary>The byte at which the data that begins at or before a byte ends; -1 when that is not known.</summary>
    public long EndAt(long byteOffset)
    {
        lock (_gate)
            return byteOffset >= _from && byteOffset < _to ? _to : -1;
    }

    /// <summary>Notes a run that was looked for since a version; nothing is noted when holes may have been made since.
    /// </summary>
    public void Found(long from, long to, long version)
    {
        lock (_gate)
        {
            if (version == _version)
                (_from, _to) = (from, to);
        }
    }

    /// <summary>Holes may have been made.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            _version++;
            _from = _to = 0;
        }
    }
}
