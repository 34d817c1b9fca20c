namespace DmIo.Testing;

/// <summary>A lane of a <see cref="ManualLoop"/>: its work is executed on the test's thread, one item at a time.</summary>
public sealed class ManualLane : Lane
{
    private readonly ManualLoop _loop;
    private readonly Queue<LaneWork> _queue = new();

    internal ManualLane(ManualLoop loop, string name)
    {
        _loop = loop;
        Name = name;
    }

    public string Name { get; }

    /// <summary>Whether work stays queued until <see cref="ExecuteOne"/> is called.</summary>
    public bool Held { get; set; }

    /// <summary>Items that were queued and not executed.</summary>
    public int Queued => _queue.Count;

    /// <summary>Items executed so far.</summary>
    public int Executed { get; private set; }

    public override void Enqueue(LaneWork work) => _queue.Enqueue(work);

    /// <summary>Executes the first item; its completion then waits on the loop. False when there is none.</summary>
    public bool ExecuteOne()
    {
        if (!_queue.TryDequeue(out LaneWork? work))
            return false;
        Executed++;
        ExecuteWork(work);
        _loop.Ready(work);
        return true;
    }

    protected override void Dispose(bool disposing)
    {
        while (ExecuteOne())
        {
        }
        _loop.Closed(this);
        base.Dispose(disposing);
    }
}
