using DmIo.Linux;
using static DmIo.Linux.LinuxConstants;

namespace DmIo;

/// <summary>A loop that waits with epoll; what may wait long is done by the worker threads of lanes.</summary>
internal sealed unsafe class EpollLoop : KernelLoop
{
    // Arbitrary: more descriptors ready at once than this are told in the next turn.
    private const int EventsPerWait = 64;

    private const ulong WakeKey = 0;

    private readonly int _epoll;
    private readonly Dictionary<ulong, FdWatch> _watches = [];
    private readonly byte[] _events = GC.AllocateUninitializedArray<byte>(EventsPerWait * sizeof(EPollEvent), pinned: true);
    private ulong _lastKey = WakeKey;

    public EpollLoop(string name)
        : base(name)
    {
        _epoll = Libc.EPollCreate(EPOLL_CLOEXEC);
        if (_epoll < 0)
            throw new IOException($"epoll_create1: {Libc.Describe(Libc.LastErrno)}");
        Control(EPOLL_CTL_ADD, WakeFd, EPOLLIN, WakeKey);
    }

    public override string Backend => "threads";

    // Descriptor numbers are reused at once after a close; keys never are, so a late event finds no one.
    public override void Watch(FdWatch watch)
    {
        watch.Key = ++_lastKey;
        _watches.Add(watch.Key, watch);
        Control(EPOLL_CTL_ADD, watch.Fd, EPOLLIN | EPOLLRDHUP | EPOLLET, watch.Key);
    }

    public override void WatchWritable(FdWatch watch) =>
        Control(EPOLL_CTL_MOD, watch.Fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, watch.Key);

    public override void Unwatch(FdWatch watch)
    {
        if (_watches.Remove(watch.Key))
            Control(EPOLL_CTL_DEL, watch.Fd, 0, watch.Key);
    }

    protected override void Wait(int timeoutMs)
    {
        fixed (byte* events = _events)
        {
            int count = Libc.EPollWait(_epoll, (EPollEvent*)events, EventsPerWait, timeoutMs);
            for (int i = 0; i < count; i++)
                Tell(ref *(EPollEvent*)(events + i * EPollEvent.StrideBytes));
        }
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _ = Libc.Close(_epoll);
    }

    private void Tell(ref EPollEvent ready)
    {
        if (ready.Data == WakeKey)
        {
            ClearWake();
            return;
        }
        if (!_watches.TryGetValue(ready.Data, out FdWatch? watch))
            return;
        if ((ready.Events & EPOLLOUT) != 0)
        {
            Control(EPOLL_CTL_MOD, watch.Fd, EPOLLIN | EPOLLRDHUP | EPOLLET, watch.Key);
            watch.OnWritable();
        }
        if ((ready.Events & ~EPOLLOUT) != 0 && _watches.ContainsKey(ready.Data))
            watch.OnReadable();
    }

    private void Control(int operation, int fd, uint events, ulong key)
    {
        EPollEvent change = default;
        change.Events = events;
        change.Data = key;
        if (Libc.EPollControl(_epoll, operation, fd, &change) != 0)
            throw new IOException($"epoll_ctl: {Libc.Describe(Libc.LastErrno)}");
    }
}
