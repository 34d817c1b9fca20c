namespace DmIo;

/// <summary>A first-in first-out chain of work items, linked through the items themselves. Not thread-safe.</summary>
internal struct WorkList
{
    private LoopWork? _head;
    private LoopWork? _tail;

    public readonly bool IsEmpty => _head is null;

    public void Append(LoopWork work)
    {
        work.NextWork = null;
        if (_tail is null)
            _head = work;
        else
            _tail.NextWork = work;
        _tail = work;
    }

    public LoopWork? TakeFirst()
    {
        LoopWork? work = _head;
        if (work is null)
            return null;
        _head = work.NextWork;
        if (_head is null)
            _tail = null;
        work.NextWork = null;
        return work;
    }

    /// <summary>Takes an item out, wherever it stands; false when it is not in the list.</summary>
    public bool Remove(LoopWork work)
    {
        LoopWork? before = null;
        for (LoopWork? at = _head; at is not null; before = at, at = at.NextWork)
        {
            if (at != work)
                continue;
            if (before is null)
                _head = work.NextWork;
            else
                before.NextWork = work.NextWork;
            if (_tail == work)
                _tail = before;
            work.NextWork = null;
            return true;
        }
        return false;
    }

    /// <summary>Moves everything in <paramref name="other"/> to the end of this list.</summary>
    public void AppendAll(ref WorkList other)
    {
        if (other._head is null)
            return;
        if (_tail is null)
            _head = other._head;
        else
            _tail.NextWork = other._head;
        _tail = other._tail;
        other = default;
    }
}
