namespace DmIo.Mapper.Tests;

// What an operation does to the bytes, and how it fails.
internal sealed partial class DiskOperation
{
    // A preflush comes before the first effect; when it fails there is none.
    private bool CanTakeEffect()
    {
        if (!_preflushed && HasPreflush)
        {
            _preflushError = Flush();
            _preflushed = true;
        }
        return _preflushError == Errno.None;
    }

    private Errno Flush()
    {
        if (_media.Draw(_media.Faults.FlushErrors))
        {
            _media.Coverage.Count(DiskEvent.FlushError);
            _media.Contents.FailFlush(_flushes);
            return _media.Faults.Errno;
        }
        if (!_media.Faults.LiesAboutDurability)
            _media.Contents.Flush(_flushes);
        return Errno.None;
    }

    private void Do(int index)
    {
        int block = _first + index;
        BlockHealth health = _media.Contents.HealthOf(block);
        bool impossible = Request.Operation == BlockOperation.Read ? health != BlockHealth.Good : health == BlockHealth.Dead;
        if (_done[index] || impossible)
            return;
        _done[index] = true;
        switch (Request.Operation)
        {
            case BlockOperation.Read:
                Read(index);
                break;
            case BlockOperation.Discard when !_media.DiscardZeroes && _media.Random.Next(2) == 0:
                break;
            default:
                bool unmaps = Request.Operation == BlockOperation.Discard
                    || (Request.Operation == BlockOperation.WriteZeroes && (Request.Flags & BlockFlags.NoUnmap) == 0);
                _media.Contents.Change(block, DataOf(index), IsFua || !_media.HasCache, unmaps, Serial);
                break;
        }
    }

    private void Read(int index)
    {
        if (Request is ExtentsProbe)
            return;
        DataOf(index).CopyFrom(_media.Contents.Visible(_first + index));
    }

    private IoVector DataOf(int index) => Request.Operation <= BlockOperation.Write
        ? Request.Data.Slice((long)index * _media.BlockBytes, _media.BlockBytes)
        : IoVector.Empty;

    // Why the operation fails, and the first block that does.
    private Errno Failure(out int failing)
    {
        failing = 0;
        if (!CanTakeEffect())
            return _preflushError;
        SimulatedFaults faults = _media.Faults;
        return Request.Operation switch
        {
            BlockOperation.Read => ReadFailure(out failing),
            BlockOperation.Write => ChangeFailure(faults.WriteErrors, DiskEvent.WriteError, out failing),
            BlockOperation.Discard when faults.RefusesDiscard => Refused(DiskEvent.DiscardError),
            BlockOperation.Discard => ChangeFailure(faults.DiscardErrors, DiskEvent.DiscardError, out failing),
            BlockOperation.WriteZeroes when faults.RefusesZeroes => Refused(DiskEvent.ZeroesError),
            BlockOperation.WriteZeroes => ChangeFailure(faults.ZeroesErrors, DiskEvent.ZeroesError, out failing),
            _ => Errno.None,
        };
    }

    private Errno Refused(DiskEvent what)
    {
        _media.Coverage.Count(what);
        return Errno.EOPNOTSUPP;
    }

    private Errno ReadFailure(out int failing)
    {
        failing = 0;
        EvictForgotten();
        if (Request is not ExtentsProbe && FirstOf(BlockHealth.Unreadable) is >= 0 and var bad)
        {
            failing = bad;
            _media.Coverage.Count(DiskEvent.BadBlockRead);
            return Errno.EIO;
        }
        return Drawn(_media.Faults.ReadErrors, DiskEvent.ReadError, ref failing);
    }

    private Errno ChangeFailure(double rate, DiskEvent what, out int failing)
    {
        failing = FirstOf(BlockHealth.Dead);
        if (failing < 0)
            return Drawn(rate, what, ref failing);
        _media.Coverage.Count(what);
        return Errno.EIO;
    }

    // Before it is known whether the blocks can be read: what a failed flush forgot may have healed one that could not.
    private void EvictForgotten()
    {
        for (int i = 0; i < _count && Request is not ExtentsProbe; i++)
        {
            if (!_done[i])
                _media.Contents.BeforeRead(_first + i);
        }
    }

    private Errno Drawn(double rate, DiskEvent what, ref int failing)
    {
        if (!_media.Draw(rate))
            return Errno.None;
        _media.Coverage.Count(what);
        failing = _count == 0 ? 0 : _media.Random.Next(_count);
        return _media.Faults.Errno;
    }

    private int FirstOf(BlockHealth atLeast)
    {
        for (int i = 0; i < _count; i++)
        {
            if (_media.Contents.HealthOf(_first + i) >= atLeast)
                return i;
        }
        return -1;
    }

    private void Fail(int failing)
    {
        if (!Request.ChangesData)
        {
            for (int i = 0; i < failing; i++)
                Do(i);
            return;
        }
        // A refused operation and one behind a failed preflush have not begun.
        bool began = _preflushError == Errno.None && !IsRefused;
        if (!began)
            return;
        ChangePartly(out bool torn);
        if (torn)
            _media.Coverage.Count(DiskEvent.TornError);
        if (_done.AsSpan(0, _count).Contains(false) && _media.Draw(_media.Faults.LandingsAfterError))
            LandLater();
    }

    private bool IsRefused => Request.Operation switch
    {
        BlockOperation.Discard => _media.Faults.RefusesDiscard,
        BlockOperation.WriteZeroes => _media.Faults.RefusesZeroes,
        _ => false,
    };

    private void LandLater()
    {
        var landing = new LateLanding(_media, Serial);
        for (int i = 0; i < _count; i++)
        {
            if (!_done[i])
                landing.Add(_first + i, DataOf(i));
        }
        landing.Start(_disk.Loop.Time, _media.DrawLatency(out _));
    }

    // Takes effect on any part; tells whether it changes data at all, and whether the part is neither all nor nothing.
    private bool ChangePartly(out bool torn)
    {
        torn = false;
        if (!Request.ChangesData || !CanTakeEffect())
            return false;
        double share = SimulatedMedia.DrawShare(_media.Random);
        for (int i = 0; i < _count; i++)
        {
            if (_media.Draw(share))
                Do(i);
        }
        ReadOnlySpan<bool> done = _done.AsSpan(0, _count);
        torn = done.Contains(true) && done.Contains(false);
        return true;
    }
}
