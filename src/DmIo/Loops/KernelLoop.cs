using DmIo.Linux;

namespace DmIo;

/// <summary>A loop with a thread of its own that waits in the kernel for descriptors, messages and time.</summary>
public abstract unsafe class KernelLoop : IoLoop, IDisposable
{
    private readonly Mailbox _mailbox = new();
    private readonly LoopTime _time = new();
    private readonly Thread _thread;
    private volatile bool _stopping;

    /// <summary>Creates the loop; <see cref="Start"/> gives it its thread.</summary>
    protected KernelLoop(string name)
    {
        Name = name;
        _thread = new Thread(RunThread) { Name = name, IsBackground = true };
        WakeFd = Libc.EventFd(0, LinuxConstants.EFD_CLOEXEC | LinuxConstants.EFD_NONBLOCK);
        if (WakeFd < 0)
            throw new IOException($"eventfd: {Libc.Describe(Libc.LastErrno)}");
    }

    /// <summary>The thread's name.</summary>
    public string Name { get; }

    /// <summary>How the loop waits and does I/O, as the status shows it.</summary>
    public abstract string Backend { get; }

    /// <inheritdoc/>
    public override TimeProvider Time => _time;

    /// <inheritdoc/>
    public override bool IsCurrent => Thread.CurrentThread == _thread;

    /// <summary>The eventfd that other threads write to when they post to a waiting loop.</summary>
    protected int WakeFd { get; }

    /// <summary>
    /// Opens the best loop there is.
    /// </summary>
    /// <param name="name">Name of its thread.</param>
    /// <param name="backend">What to use; <see cref="LoopBackend.Auto"/> takes io_uring where the kernel permits it.</param>
    /// <param name="reason">Why io_uring was not taken, when it was not.</param>
    /// <exception cref="IOException">io_uring was asked for by name and cannot be had.</exception>
    public static KernelLoop Open(string name, LoopBackend backend, out string? reason)
    {
        reason = backend == LoopBackend.Threads ? "asked for" : "not built yet";
        return new EpollLoop(name);
    }

    /// <summary>Starts the loop's thread.</summary>
    public void Start() => _thread.Start();

    /// <summary>Watches a descriptor for reading. Only on the loop.</summary>
    public abstract void Watch(FdWatch watch);

    /// <summary>Asks for one <see cref="FdWatch.OnWritable"/> of a watched descriptor. Only on the loop.</summary>
    public abstract void WatchWritable(FdWatch watch);

    /// <summary>Ends the interest in a descriptor. Only on the loop; nothing is told of it afterwards.</summary>
    public abstract void Unwatch(FdWatch watch);

    /// <inheritdoc/>
    public override Lane OpenLane(string name, int workers) => new ThreadLane(this, name, workers);

    /// <inheritdoc/>
    public sealed override void Post(LoopWork work)
    {
        if (_mailbox.Post(work))
            Wake();
    }

    /// <summary>Ends the thread when the present batch is done. Devices and connections must be closed before.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <inheritdoc cref="Dispose()"/>
    protected virtual void Dispose(bool disposing)
    {
        _stopping = true;
        Wake();
        if (_thread.IsAlive && !IsCurrent)
            _thread.Join();
    }

    /// <summary>Waits at most <paramref name="timeoutMs"/> (-1: without end) and tells watches what happened.</summary>
    protected abstract void Wait(int timeoutMs);

    /// <summary>Empties the eventfd after it woke the loop.</summary>
    protected void ClearWake()
    {
        ulong value;
        _ = Libc.Read(WakeFd, &value, sizeof(ulong));
    }

    private void Wake()
    {
        ulong one = 1;
        _ = Libc.Write(WakeFd, &one, sizeof(ulong));
    }

    private void RunThread()
    {
        while (!_stopping)
        {
            RunReady();
            _mailbox.TakeAll(this);
            if (!IsIdle)
            {
                Wait(0);
            }
            else if (_mailbox.TrySleep())
            {
                Wait(_time.UntilNextMs());
                _mailbox.Awake();
            }
            _time.FireDue();
        }
        _ = Libc.Close(WakeFd);
    }
}
