using DmIo.Linux;

namespace DmIo;

/// <summary>A lane of worker threads, handed its work and woken once per batch.</summary>
internal sealed class ThreadLane : Lane
{
    private readonly KernelLoop _loop;
    private readonly Lock _lock = new();
    private readonly FutexSemaphore _wake = new();
    private readonly Thread[] _workers;
    private readonly HandOver _handOver;
    private WorkList _collected;
    private WorkList _queue;
    private bool _handOverDue;
    private int _idle;
    private bool _closing;

    public ThreadLane(KernelLoop loop, string name, int workers)
    {
        _loop = loop;
        _handOver = new HandOver(this);
        _workers = new Thread[workers];
        for (int i = 0; i < workers; i++)
        {
            _workers[i] = new Thread(RunWorker) { Name = workers == 1 ? name : $"{name}/{i}", IsBackground = true };
            _workers[i].Start();
        }
    }

    public override void Enqueue(LaneWork work)
    {
        _collected.Append(work);
        if (_handOverDue)
            return;
        _handOverDue = true;
        _loop.AtBatchEnd(_handOver);
    }

    protected override void Dispose(bool disposing)
    {
        lock (_lock)
        {
            _queue.AppendAll(ref _collected);
            _closing = true;
        }
        foreach (Thread _ in _workers)
            _wake.Release();
        foreach (Thread worker in _workers)
            worker.Join();
        _wake.Dispose();
        base.Dispose(disposing);
    }

    private void GiveToWorkers()
    {
        _handOverDue = false;
        // Closed in the batch that queued the work: the workers have taken it and are gone.
        if (_closing)
            return;
        int wake;
        lock (_lock)
        {
            _queue.AppendAll(ref _collected);
            wake = Math.Min(_idle, 1);
            _idle -= wake;
        }
        if (wake > 0)
            _wake.Release();
    }

    private void RunWorker()
    {
        while (true)
        {
            LoopWork? work;
            int wake = 0;
            lock (_lock)
            {
                work = _queue.TakeFirst();
                if (work is null)
                {
                    if (_closing)
                        return;
                    _idle++;
                }
                else if (!_queue.IsEmpty && _idle > 0)
                {
                    // More to do than this worker can do at once: pass the waking on.
                    wake = 1;
                    _idle--;
                }
            }
            if (wake > 0)
                _wake.Release();
            if (work is null)
            {
                _wake.Wait();
                continue;
            }
            ((LaneWork)work).Execute();
            _loop.Post(work);
        }
    }

    private sealed class HandOver(ThreadLane lane) : LoopWork
    {
        protected internal override void Run() => lane.GiveToWorkers();
    }
}
