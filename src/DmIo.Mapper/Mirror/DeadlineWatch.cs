namespace DmIo.Mapper;

/// <summary>
/// Keeps operations under way in the order in which they began, and tells those that take longer than a leg may.
/// </summary>
internal sealed class DeadlineWatch : IDisposable
{
    // How often within a deadline is looked: an operation is told a quarter of it late at most.
    private const int LooksPerDeadline = 4;

    private readonly TimeProvider _time;
    private readonly TimeSpan _deadline;
    private readonly ITimer? _timer;
    private IWatched? _first;
    private IWatched? _last;
    private bool _isArmed;

    /// <param name="time">The loop's clock.</param>
    /// <param name="deadline">Zero: nothing is ever overdue.</param>
    public DeadlineWatch(TimeProvider time, TimeSpan deadline)
    {
        _time = time;
        _deadline = deadline;
        if (deadline > TimeSpan.Zero)
            _timer = time.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>An operation begins: when is noted also where there is no deadline.</summary>
    public void Add(IWatched operation)
    {
        operation.BeganAt = _time.GetTimestamp();
        if (_timer is null)
            return;
        operation.Earlier = _last;
        operation.Later = null;
        if (_last is null)
            _first = operation;
        else
            _last.Later = operation;
        _last = operation;
        if (!_isArmed)
            Arm();
    }

    /// <summary>An operation has ended.</summary>
    public void Remove(IWatched operation)
    {
        if (_timer is null)
            return;
        if (operation.Earlier is null)
            _first = operation.Later;
        else
            operation.Earlier.Later = operation.Later;
        if (operation.Later is null)
            _last = operation.Earlier;
        else
            operation.Later.Earlier = operation.Earlier;
        operation.Earlier = operation.Later = null;
    }

    public void Dispose() => _timer?.Dispose();

    private void Arm()
    {
        _isArmed = true;
        _timer!.Change(_deadline / LooksPerDeadline, Timeout.InfiniteTimeSpan);
    }

    private void Look()
    {
        _isArmed = false;
        long now = _time.GetTimestamp();
        IWatched? later;
        for (IWatched? operation = _first; operation is not null; operation = later)
        {
            later = operation.Later;
            if (_time.GetElapsedTime(operation.BeganAt, now) < _deadline)
                break;
            operation.Overdue();
        }
        if (_first is not null)
            Arm();
    }
}
