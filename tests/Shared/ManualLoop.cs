using System.Collections.Concurrent;

namespace DmIo.Testing;

/// <summary>
/// A loop without a thread: it lives on the thread that made it and moves only when the test says so, always in the same
/// order. Time stands still until it is advanced.
/// </summary>
public sealed class ManualLoop : IoLoop
{
    // Arbitrary: far more than any test needs, so a loop that never becomes idle ends a test instead of hanging it.
    private const int MaxRounds = 1_000_000;

    // Arbitrary: how long another thread may take before a test that waits for it fails instead of hanging.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly ConcurrentQueue<LoopWork> _posted = new();
    private readonly AutoResetEvent _stirred = new(false);
    private readonly List<ManualLane> _lanes = [];
    private readonly int _ownerThread = Environment.CurrentManagedThreadId;

    public ManualLoop() => Time = new ManualTime(this);

    public override ManualTime Time { get; }

    public override bool IsCurrent => Environment.CurrentManagedThreadId == _ownerThread;

    /// <summary>The lanes that were opened and not disposed, in the order of opening.</summary>
    public IReadOnlyList<ManualLane> Lanes => _lanes;

    /// <summary>Whether lanes opened from now on wait to be told before they execute anything.</summary>
    public bool HoldLanes { get; set; }

    public override void Post(LoopWork work)
    {
        _posted.Enqueue(work);
        _stirred.Set();
    }

    public override Lane OpenLane(string name, int workers)
    {
        var lane = new ManualLane(this, name) { Held = HoldLanes };
        _lanes.Add(lane);
        return lane;
    }

    /// <summary>Runs ready work, messages and the work of lanes that are not held, until nothing is left to do.</summary>
    public void RunUntilIdle()
    {
        for (int round = 0; round < MaxRounds; round++)
        {
            RunReady();
            bool moved = !IsIdle;
            while (_posted.TryDequeue(out LoopWork? work))
            {
                Ready(work);
                moved = true;
            }
            if (!moved && !ExecuteInLanes())
                return;
        }
        throw new InvalidOperationException("The loop does not become idle.");
    }

    /// <summary>Runs a function on the loop to its end.</summary>
    public T Run<T>(Func<ValueTask<T>> action) => Finish(InvokeAsync(action));

    /// <summary>Runs a function on the loop to its end.</summary>
    public void Run(Func<ValueTask> action) => Finish(InvokeAsync(action));

    /// <summary>Runs until idle; the task must have ended then.</summary>
    public T Finish<T>(Task<T> task)
    {
        Finish((Task)task);
        return task.GetAwaiter().GetResult();
    }

    /// <inheritdoc cref="Finish{T}"/>
    public void Finish(Task task)
    {
        RunUntilIdle();
        if (!task.IsCompleted)
            throw new InvalidOperationException("The loop is idle and the task has not ended: it waits for something else.");
        task.GetAwaiter().GetResult();
    }

    /// <summary>Runs the loop here while a function runs on another thread, until that has returned.</summary>
    public T RunBeside<T>(Func<T> elsewhere)
    {
        Task<T> task = Task.Factory.StartNew(
            elsewhere, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        task.GetAwaiter().OnCompleted(() => _stirred.Set());
        while (!task.IsCompleted)
        {
            RunUntilIdle();
            if (!_stirred.WaitOne(s_patience))
                throw new TimeoutException("The other thread waits for something that does not come.");
        }
        RunUntilIdle();
        return task.GetAwaiter().GetResult();
    }

    internal void Closed(ManualLane lane) => _lanes.Remove(lane);

    private bool ExecuteInLanes()
    {
        foreach (ManualLane lane in _lanes)
        {
            if (!lane.Held && lane.ExecuteOne())
                return true;
        }
        return false;
    }
}
