namespace DmIo.Mapper;

// A log device that fails: with all legs good the mirror goes on without it, once the state file says so.
internal sealed partial class DiskLog
{
    private bool _isTold;
    private bool _isDisposed;

    public override bool Hangs => IsLate;

    // Whether something that the log or the sidecar was asked has passed its deadline and may still land.
    private bool IsLate => _writer.IsLate || _areaWriter is { IsLate: true };

    /// <summary>Goes on without the log where nothing but the log would be lost.</summary>
    /// <returns>False when there is something that only the record can say, or the state file fails too.</returns>
    private async Task<bool> LoseAsync()
    {
        if (!_isTold)
        {
            if (IsLate)
                MapperLog.LogHangs(_options.Logger, _options.Name, LateDevice, _options.Deadline.TotalSeconds);
            else
                MapperLog.LogFailed(_options.Logger, _options.Name, Location, Letter);
            _options.Tell(VolumeEventKind.LogFailed, new EventDetails { Device = Location });
        }
        _isTold = true;
        if (!NothingToRecord())
            return false;
        if (!_options.File.IsLogLost)
        {
            _options.File.IsLogLost = true;
            if (await _options.File.WriteAsync(_options.Store, clean: false) != Errno.None)
            {
                _options.File.IsLogLost = false;
                return false;
            }
            MapperLog.LogLost(_options.Logger, _options.Name, Location, _options.Store.Location);
            // A leg may have left meanwhile.
            if (!NothingToRecord())
                return false;
        }
        _isLost = true;
        // What waits for the log does so in vain, and need not: for this commit, and for the next, which is far off.
        Durable = _mustBeDurable = ++_started;
        return true;
    }

    private string LateDevice => _areaWriter is { IsLate: true } sidecar ? sidecar.Device.Name : Location;

    private LogWriter WriterOf(BlockDevice device) => new(device, _watch, Landed) { WritesOverLate = _options.WritesOverLate };

    // From now on it may be written again.
    private void Landed(LogWriter writer)
    {
        if (!_isDisposed)
            _retry.Change(_options.RetryAfter, Timeout.InfiniteTimeSpan);
        else if (writer != _writer)
            _loop.InvokeAsync(writer.Device.DisposeAsync);
    }

    private bool NothingToRecord()
    {
        if (Legs.Set != Legs.All)
            return false;
        foreach (Leg leg in Legs.Legs)
        {
            if (leg.Recorded.Count > 0 || leg.Lacks.Count > 0)
                return false;
        }
        return true;
    }

    // A commit has succeeded with all of the bits: the log can be believed again.
    private async Task<Errno> FoundAsync()
    {
        if (Letter == ShownLog.Alive)
            return Errno.None;
        if (_options.File.IsLogLost && await SayFoundAsync() is not Errno.None and var unsaid)
            return unsaid;
        Letter = ShownLog.Alive;
        _isTold = false;
        MapperLog.LogWorks(_options.Logger, _options.Name, Location);
        _options.Tell(VolumeEventKind.LogWorks, new EventDetails { Device = Location });
        return Errno.None;
    }

    private async Task<Errno> SayFoundAsync()
    {
        _options.File.IsLogLost = false;
        Errno errno = await _options.File.WriteAsync(_options.Store, clean: false);
        _options.File.IsLogLost = errno != Errno.None;
        return errno;
    }
}
