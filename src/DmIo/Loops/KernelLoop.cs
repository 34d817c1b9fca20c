using DmIo.Linux;

namespace DmIo;

/// <summary>
/// A loop with a thread of its own that waits in the kernel for descriptors, messages and time. It waits with epoll;
/// device I/O that must wait goes through the loop's io_uring where the kernel permits one, through worker threads
/// otherwise.
/// </summary>
public sealed unsafe class KernelLoop : IoLoop, IDisposable
{
    private readonly Mailbox _mailbox = new();
    private readonly LoopTime _time = new();
    private readonly Poller _poller = new();
    private readonly SpinGovernor _spin;
    private readonly Thread _thread;
    private readonly int _wakeFd;
    private volatile bool _stopping;

    private KernelLoop(string name)
    {
        Name = name;
        _spin = new SpinGovernor(_time);
        _thread = new Thread(RunThread) { Name = name, IsBackground = true };
        _wakeFd = Libc.EventFd(0, LinuxConstants.EFD_CLOEXEC | LinuxConstants.EFD_NONBLOCK);
        if (_wakeFd < 0)
            throw new IOException($"eventfd: {Libc.Describe(Libc.LastErrno)}");
        _poller.AddOwn(_wakeFd, ClearWake);
    }

    /// <summary>The thread's name.</summary>
    public string Name { get; }

    /// <summary>How device I/O that must wait is done: <c>io_uring</c> or <c>threads</c>.</summary>
    public string Backend => Ring is null ? "threads" : "io_uring";

    /// <inheritdoc/>
    public override TimeProvider Time => _time;

    /// <inheritdoc/>
    public override bool IsCurrent => Thread.CurrentThread == _thread;

    internal Ring? Ring { get; private set; }

    /// <summary>
    /// Creates a loop; <see cref="Start"/> gives it its thread.
    /// </summary>
    /// <param name="name">Name of its thread.</param>
    /// <param name="backend">What to use; <see cref="LoopBackend.Auto"/> takes io_uring where the kernel permits it.</param>
    /// <param name="reason">Why io_uring was not taken, when it was not.</param>
    /// <exception cref="IOException">io_uring was asked for by name and cannot be had.</exception>
    public static KernelLoop Open(string name, LoopBackend backend, out string? reason)
    {
        var loop = new KernelLoop(name);
        reason = "threads were asked for";
        if (backend == LoopBackend.Threads)
            return loop;
        loop.Ring = Ring.TryOpen(loop, out reason);
        if (loop.Ring is null && backend == LoopBackend.IoUring)
            throw new IOException($"io_uring was asked for and cannot be had: {reason}; ask for threads or auto instead");
        return loop;
    }

    /// <summary>Starts the loop's thread.</summary>
    public void Start() => _thread.Start();

    /// <summary>Watches a descriptor for reading. Only on the loop.</summary>
    public void Watch(FdWatch watch) => _poller.Add(watch);

    /// <summary>Asks for one <see cref="FdWatch.OnWritable"/> of a watched descriptor. Only on the loop.</summary>
    public void WatchWritable(FdWatch watch) => _poller.AddWritable(watch);

    /// <summary>Ends the interest in a descriptor. Only on the loop; nothing is told of it afterwards.</summary>
    public void Unwatch(FdWatch watch) => _poller.Remove(watch);

    /// <inheritdoc/>
    public override Lane OpenLane(string name, int workers) => new ThreadLane(this, name, workers);

    /// <inheritdoc/>
    public override void Post(LoopWork work)
    {
        if (_mailbox.Post(work))
            Wake();
    }

    /// <summary>Ends the thread when the present batch is done. Devices and connections must be closed before.</summary>
    public void Dispose()
    {
        // A second time the descriptors' numbers may belong to someone else.
        if (_stopping)
            return;
        _stopping = true;
        Wake();
        if (_thread.IsAlive && !IsCurrent)
            _thread.Join();
        Ring?.Dispose();
        _poller.Dispose();
        _ = Libc.Close(_wakeFd);
    }

    private void RunThread()
    {
        Ring?.Enable(_wakeFd);
        while (!_stopping)
        {
            RunReady();
            Ring?.SubmitPending();
            // Mail before the poller: when a connection that came by mail is served, ends of others before it were told.
            _mailbox.TakeAll(this);
            if (!IsIdle)
                _poller.Wait(0);
            else if (!Look())
                Sleep();
            _time.FireDue();
        }
    }

    // Looks for news without sleeping, as long as the governor thinks that it pays.
    private bool Look()
    {
        long ticks = _spin.NextTicks();
        if (ticks == 0)
            return false;
        long until = _time.GetTimestamp() + ticks;
        do
        {
            if (_poller.Wait(0) || _mailbox.HasMail)
            {
                _spin.Report(paid: true);
                return true;
            }
        }
        while (_time.GetTimestamp() < until);
        _spin.Report(paid: false);
        return false;
    }

    private void Sleep()
    {
        if (!_mailbox.TrySleep())
            return;
        _poller.Wait(_time.UntilNextMs());
        _mailbox.Awake();
    }

    private void Wake()
    {
        ulong one = 1;
        _ = Libc.Write(_wakeFd, &one, sizeof(ulong));
    }

    private void ClearWake()
    {
        ulong value;
        _ = Libc.Read(_wakeFd, &value, sizeof(ulong));
        Ring?.Reap();
    }
}
