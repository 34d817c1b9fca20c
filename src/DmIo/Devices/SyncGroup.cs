using DmIo.Linux;

namespace DmIo;

/// <summary>
/// Group commit of one open file: at most one sync is under way, and its result is that of everyone who waited when it
/// started. Linux reports a write-back error once per open file, so two syncs at once could swallow one.
/// </summary>
internal sealed class SyncGroup : LoopWork, IDisposable
{
    private readonly IoLoop _loop;
    private readonly BlockFile _file;
    private readonly Ring? _ring;
    private readonly SyncWork _work;
    private readonly RingSync _ringSync;
    private Lane? _lane;
    private WorkList _waiting;
    private WorkList _served;
    private bool _busy;

    public SyncGroup(IoLoop loop, BlockFile file, Ring? ring)
    {
        _loop = loop;
        _file = file;
        _ring = ring;
        _work = new SyncWork(this);
        _ringSync = new RingSync(this);
    }

    /// <summary>
    /// Waits for a sync that starts after this call: a <see cref="BlockRequest"/> then completes, a
    /// <see cref="FileWork"/> goes on with its data.
    /// </summary>
    public void Join(LoopWork waiter)
    {
        _waiting.Append(waiter);
        if (_busy)
            return;
        _busy = true;
        // At the batch's end everyone in the batch who wants a sync has come to wait for it.
        _loop.AtBatchEnd(this);
    }

    public void Dispose() => _lane?.Dispose();

    protected internal override void Run()
    {
        _served = _waiting;
        _waiting = default;
        if (_file.IsInMemory)
        {
            Done(_file.Sync());
            return;
        }
        if (_ring is not null)
        {
            _ringSync.Start(_ring, _file.Fd);
            return;
        }
        _lane ??= _loop.OpenLane($"dmio-sync {Path.GetFileName(_file.Path)}", 1);
        _lane.Enqueue(_work);
    }

    private void Done(Errno error)
    {
        WorkList served = _served;
        _served = default;
        _busy = !_waiting.IsEmpty;
        if (_busy)
            _loop.AtBatchEnd(this);
        while (served.TakeFirst() is { } waiter)
        {
            if (waiter is BlockRequest request)
                request.Complete(_loop, error, request.Start);
            else
                ((FileWork)waiter).PreflushDone(error);
        }
    }

    private sealed class RingSync(SyncGroup group) : RingOperation
    {
        private const uint DataSync = 1;

        public void Start(Ring ring, int fd)
        {
            Entry = new SubmissionEntry { Opcode = RingOpcode.FSync, Fd = fd, OperationFlags = DataSync };
            ring.Submit(this);
        }

        protected internal override void Run()
        {
            if ((Errno)(-Result) is Errno.EINTR or Errno.EAGAIN)
                Start(group._ring!, group._file.Fd);
            else
                group.Done((Errno)(-Result));
        }
    }

    private sealed class SyncWork(SyncGroup group) : LaneWork
    {
        private Errno _error;

        protected internal override void Execute() => _error = group._file.Sync();

        protected internal override void Run() => group.Done(_error);
    }
}
