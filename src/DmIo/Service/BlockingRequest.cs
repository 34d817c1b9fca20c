namespace DmIo;

/// <summary>A request that its caller waits for, on a thread that is not the loop's.</summary>
internal sealed class BlockingRequest : IoRequest
{
    private readonly object _monitor = new();
    private IoOutcome _outcome;
    private bool _done;

    /// <summary>
    /// Waits for the end, whatever happens to the thread meanwhile: to leave while the memory is still being read or
    /// written would hand it back too early. An interrupt is delivered again afterwards.
    /// </summary>
    public IoOutcome Wait()
    {
        bool interrupted = false;
        while (!IsDone(ref interrupted))
        {
        }
        if (interrupted)
            Thread.CurrentThread.Interrupt();
        return _outcome;
    }

    protected internal override void Notify(in IoOutcome outcome)
    {
        lock (_monitor)
        {
            _outcome = outcome;
            _done = true;
            Monitor.Pulse(_monitor);
        }
    }

    private bool IsDone(ref bool interrupted)
    {
        try
        {
            lock (_monitor)
            {
                if (!_done)
                    Monitor.Wait(_monitor);
                return _done;
            }
        }
        catch (ThreadInterruptedException)
        {
            interrupted = true;
            return false;
        }
    }
}
