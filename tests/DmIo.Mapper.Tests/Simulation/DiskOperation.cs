namespace DmIo.Mapper.Tests;

/// <summary>
/// A request on its way through a simulated disk. It may take effect in two parts, the second when it completes. Pooled
/// by its <see cref="SimulatedDisk"/>; one that vanished or was cut is not used again.
/// </summary>
internal sealed partial class DiskOperation
{
    private readonly SimulatedDisk _disk;
    private readonly SimulatedMedia _media;
    private readonly ITimer _timer;
    private bool[] _done = new bool[16];
    private BlockRequest? _request;
    private TimeSpan _rest;
    private bool _inParts;
    private bool _held;
    private bool _hung;
    private bool _slow;
    private bool _preflushed;
    private Errno _preflushError;
    private long _flushes;
    private int _first;
    private int _count;

    public DiskOperation(SimulatedDisk disk)
    {
        _disk = disk;
        _media = disk.Media;
        _timer = disk.Loop.Time.CreateTimer(
            static state => ((DiskOperation)state!).Due(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Its place in the media's list of what is under way.</summary>
    public int Place { get; set; }

    /// <summary>Its place in the order of submission.</summary>
    public long Serial { get; private set; }

    private BlockRequest Request => _request!;

    private bool HasPreflush => (Request.Flags & BlockFlags.Preflush) != 0;

    private bool IsFua => (Request.Flags & BlockFlags.Fua) != 0 && !_media.Faults.LiesAboutDurability;

    public void Start(BlockRequest request)
    {
        _request = request;
        _first = (int)(request.Start.Bytes / _media.BlockBytes);
        _count = (int)(request.Count.Bytes / _media.BlockBytes);
        _flushes = _media.Contents.Sequence;
        _preflushed = _held = _hung = false;
        _preflushError = Errno.None;
        if (_done.Length < _count)
            _done = new bool[_count];
        _done.AsSpan(0, _count).Clear();
        Serial = _media.Began(this);
        Schedule();
    }

    /// <summary>The disk hangs no more.</summary>
    public void Resume()
    {
        if (!_held)
            return;
        _held = false;
        Schedule();
    }

    /// <summary>Ends the operation with a failure at once, done or not.</summary>
    public void Abort(Errno errno)
    {
        _media.Coverage.Count(DiskEvent.GoneUnderWay);
        ChangePartly(out _);
        End(errno, Request.Start);
    }

    /// <summary>The life ends: the operation is done in any part and never completes.</summary>
    public void Cut()
    {
        // A flush whose failure nobody hears of would be a lost write that nobody can expect.
        if (!HasPreflush && ChangePartly(out bool torn) && torn)
            _media.Coverage.Count(DiskEvent.CutUnderWayTore);
        _request = null;
        _timer.Dispose();
    }

    /// <summary>Completes after it has vanished.</summary>
    public void CompleteLate(Errno errno) => Request.Complete(_disk.Loop, errno, Request.Start);

    private void Schedule()
    {
        TimeSpan latency = _media.DrawLatency(out _slow);
        _inParts = latency > TimeSpan.Zero && !HasPreflush && _media.Draw(_media.DoneInParts);
        if (latency == TimeSpan.Zero)
        {
            Due();
            return;
        }
        TimeSpan first = _inParts ? latency * _media.Random.NextDouble() : latency;
        _rest = latency - first;
        _timer.Change(first, Timeout.InfiniteTimeSpan);
    }

    private void Due()
    {
        if (_media.IsHung)
        {
            _media.Coverage.Count(DiskEvent.Hung);
            _held = _hung = true;
        }
        else if (_inParts)
        {
            _inParts = false;
            DoPart();
            _timer.Change(_rest, Timeout.InfiniteTimeSpan);
        }
        else if (_media.Draw(_media.Faults.Vanishings))
        {
            Vanish();
        }
        else
        {
            Finish();
        }
    }

    private void DoPart()
    {
        _media.Coverage.Count(DiskEvent.DoneInParts);
        for (int i = 0; i < _count; i++)
        {
            if (_media.Random.Next(2) == 0)
                Do(i);
        }
    }

    private void Vanish()
    {
        bool lands = _media.Random.Next(2) == 0 && !HasPreflush;
        _media.Story?.Add($"{_media.Name} #{Serial} vanishes{(lands ? " and lands" : "")}");
        _media.Coverage.Count(lands && Request.ChangesData ? DiskEvent.LandedUnseen : DiskEvent.Vanished);
        for (int i = 0; lands && i < _count; i++)
            Do(i);
        _media.Vanish(this);
    }

    private void Finish()
    {
        Errno errno = Failure(out int failing);
        if (Request.Operation == BlockOperation.Flush)
        {
            if (errno == Errno.None)
                errno = Flush();
        }
        else if (errno != Errno.None)
        {
            Fail(failing);
        }
        else
        {
            bool lost = Request.ChangesData && _media.Draw(_media.Faults.SilentlyLostWrites);
            for (int i = 0; i < _count && !lost; i++)
                Do(i);
            if (_hung && Request.ChangesData)
                _media.Coverage.Count(DiskEvent.LandedAfterHang);
            else if (_slow && Request.ChangesData)
                _media.Coverage.Count(DiskEvent.LandedSlow);
        }
        End(errno, errno == Errno.None ? Request.Start : Sectors.FromBytes((long)(_first + failing) * _media.BlockBytes));
    }

    private void End(Errno errno, Sectors failedAt)
    {
        _media.Story?.Add($"{_media.Name} #{Serial} {Request.Operation} {Request.Start}+{Request.Count} ends: {errno}");
        _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _media.Ended(this);
        BlockRequest request = Request;
        _request = null;
        _disk.Return(this);
        request.Complete(_disk.Loop, errno, Sectors.Max(failedAt, request.Start));
    }
}
