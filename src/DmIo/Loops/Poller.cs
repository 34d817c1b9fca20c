using DmIo.Linux;
using static DmIo.Linux.LinuxConstants;

namespace DmIo;

/// <summary>epoll as a loop uses it: watches told by edges, and descriptors of the loop's own told by level.</summary>
internal sealed unsafe class Poller : IDisposable
{
    // Arbitrary: more descriptors ready at once than this are told in the next turn.
    private const int EventsPerWait = 64;

    private const uint WatchedEvents = EPOLLIN | EPOLLRDHUP | EPOLLET;

    private readonly int _epoll;
    private readonly Dictionary<ulong, FdWatch> _watches = [];
    private readonly Dictionary<ulong, Action> _own = [];
    private readonly byte[] _events = GC.AllocateUninitializedArray<byte>(EventsPerWait * sizeof(EPollEvent), pinned: true);
    private ulong _lastKey;

    public Poller()
    {
        _epoll = Libc.EPollCreate(EPOLL_CLOEXEC);
        if (_epoll < 0)
            throw new IOException($"epoll_create1: {Libc.Describe(Libc.LastErrno)}");
    }

    /// <summary>Runs <paramref name="readable"/> whenever a descriptor of the loop itself is readable.</summary>
    public void AddOwn(int fd, Action readable)
    {
        Control(EPOLL_CTL_ADD, fd, EPOLLIN, ++_lastKey);
        _own.Add(_lastKey, readable);
    }

    // Descriptor numbers are reused at once after a close; keys never are, so a late event finds no one.
    public void Add(FdWatch watch)
    {
        watch.Key = ++_lastKey;
        Control(EPOLL_CTL_ADD, watch.Fd, WatchedEvents, watch.Key);
        _watches.Add(watch.Key, watch);
    }

    public void AddWritable(FdWatch watch) =>
        Control(EPOLL_CTL_MOD, watch.Fd, WatchedEvents | EPOLLOUT, watch.Key);

    public void Remove(FdWatch watch)
    {
        if (_watches.Remove(watch.Key))
            Control(EPOLL_CTL_DEL, watch.Fd, 0, watch.Key);
    }

    /// <returns>Whether anything happened.</returns>
    public bool Wait(int timeoutMs)
    {
        fixed (byte* events = _events)
        {
            int count = Libc.EPollWait(_epoll, (EPollEvent*)events, EventsPerWait, timeoutMs);
            for (int i = 0; i < count; i++)
                Tell(ref *(EPollEvent*)(events + i * EPollEvent.StrideBytes));
            return count > 0;
        }
    }

    public void Dispose() => _ = Libc.Close(_epoll);

    private void Tell(ref EPollEvent ready)
    {
        if (!_watches.TryGetValue(ready.Data, out FdWatch? watch))
        {
            if (_own.TryGetValue(ready.Data, out Action? readable))
                readable();
            return;
        }
        if ((ready.Events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
            watch.OnHangUp((ready.Events & (EPOLLHUP | EPOLLERR)) != 0);
        if ((ready.Events & EPOLLOUT) != 0 && _watches.ContainsKey(ready.Data))
        {
            Control(EPOLL_CTL_MOD, watch.Fd, WatchedEvents, watch.Key);
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
