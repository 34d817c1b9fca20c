namespace DmIo.Mapper.Tests;

// What happens to the machine.
internal sealed partial class MirrorSimulation
{
    // Trouble that has ended lately still explains failures of what was under way.
    private static readonly TimeSpan s_aftermath = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan s_longAgo = TimeSpan.FromDays(-1);

    private TimeSpan _lastTrouble = s_longAgo;
    private bool _troubleSinceFlush;
    private long _troubleAt;
    private bool _hasUnrecordedFlush;
    private bool _endsSoon;

    // Legs that have failed something, and whether one of them was a flush, until what follows from that is decided.
    private readonly HashSet<string> _failing = [];
    private bool _hasForgotten;

    private void Happen()
    {
        SimulatedMedia leg = Legs[_random.Next(Legs.Count)];
        switch (_random.Next(31))
        {
            case 0 or 1:
                PowerCut();
                Start();
                break;
            case 2:
                Kill();
                Start();
                break;
            case 3:
                Calm();
                switch (_random.Next(6))
                {
                    case 0 or 1:
                        CutStop();
                        break;
                    case 2 when CanLogHang:
                        HangLog();
                        Stop();
                        CheckLog("a stop while the log hangs");
                        break;
                    default:
                        Stop();
                        CheckLog("a clean stop");
                        break;
                }
                Start();
                break;
            case 4:
                Rest();
                break;
            case 5 or 6:
                Trouble();
                leg.Leave(losesPower: false);
                break;
            case >= 7 and < 12:
                leg.Return();
                break;
            case 12:
                Trouble();
                leg.Hang();
                break;
            case >= 13 and < 16 when leg.IsHung:
                leg.EndHang();
                break;
            case 16:
                Trouble();
                Story?.Add($"{leg.Name} begins to fail writes");
                leg.Faults.WriteErrors = 0.3;
                leg.Faults.ZeroesErrors = 0.3;
                break;
            case 17 or 29 or 30:
                Trouble();
                Story?.Add($"{leg.Name} begins to fail flushes");
                leg.Faults.FlushErrors = 0.3;
                break;
            case 18 when _random.Next(3) == 0:
                Trouble();
                Story?.Add($"operations of {leg.Name} begin to vanish");
                leg.Faults.Vanishings = 0.05;
                break;
            case 18:
                Trouble();
                Spoil(leg);
                break;
            case 19:
                leg.Revive();
                break;
            case 20 or 21:
                Story?.Add("legs fail no more");
                foreach (SimulatedMedia any in Legs)
                    any.Faults.Heal();
                break;
            case 22 or 23:
                TroubleLog();
                break;
            case >= 24 and < 27:
                HealLog();
                break;
            case 27 or 28:
                ChangeDevice();
                break;
        }
    }

    // A sector, or a scratch over many.
    private void Spoil(SimulatedMedia leg)
    {
        long start = SomePlace();
        long count = _random.Next(3) == 0 ? Math.Min(_random.Next(1, 40), _length - start) : 1;
        leg.Spoil(new(start), new(count), _random.Next(4) == 0);
    }

    private void TroubleLog()
    {
        Trouble();
        if (Log is null)
        {
            _store.Error = Errno.ENOSPC;
            return;
        }
        SimulatedMedia media = LogMedia();
        switch (_random.Next(7))
        {
            case 0:
                media.Faults.WriteErrors = 0.5;
                break;
            case 1:
                media.Faults.FlushErrors = 0.5;
                break;
            case 2:
                media.Leave(losesPower: false);
                break;
            case 3 or 4:
                SlowLog(0.3);
                break;
            default:
                media.Hang();
                break;
        }
    }

    // What has landed late on the log is soon written over: an end of the life must come before, to find it.
    private void LogLanded(DiskEvent what) =>
        _endsSoon |= what is DiskEvent.LandedAfterHang or DiskEvent.LandedSlow && _random.Next(4) == 0;

    private void EndLife()
    {
        if (_random.Next(2) == 0)
            PowerCut();
        else
            Kill();
        Start();
    }

    // Now and then an operation takes long, and what comes later passes it.
    private void SlowLog(double rate)
    {
        Trouble();
        foreach (SimulatedMedia media in (SimulatedMedia[])[Log!, Sidecar!])
        {
            media.Faults.SlowOperations = rate;
            media.Faults.SlowLatency = TimeSpan.FromMilliseconds(200);
        }
    }

    private void HangLog()
    {
        Trouble();
        LogMedia().Hang();
    }

    // The log, or where the record lies if that is elsewhere.
    private SimulatedMedia LogMedia() => _usesSidecar && _random.Next(2) == 0 ? Sidecar! : Log!;

    private void HealLog()
    {
        _store.Error = Errno.None;
        if (Log is null)
            return;
        foreach (SimulatedMedia media in (SimulatedMedia[])[Log, Sidecar!])
        {
            media.Faults.Heal();
            media.Return();
            if (media.IsHung)
                media.EndHang();
        }
    }

    private void Trouble()
    {
        _lastTrouble = _loop.Time.Elapsed;
        _troubleSinceFlush = true;
        _troubleAt = _model.Now;
    }

    private bool InTrouble()
    {
        bool now = _missing.Count > 0 || _store.Error != Errno.None || AllMedia.Any(
            media => media.Vanished > 0 || media.IsGone || media.IsHung
                || media.Faults is not { Vanishings: 0, WriteErrors: 0, FlushErrors: 0, SlowOperations: 0 });
        if (now)
            Trouble();
        return now || _loop.Time.Elapsed - _lastTrouble < s_aftermath || Legs.Any(HasBadBlock);
    }

    private static bool HasBadBlock(SimulatedMedia leg)
    {
        for (int block = 0; block < leg.Length.Bytes / leg.BlockBytes; block++)
        {
            if (leg.Contents.HealthOf(block) != BlockHealth.Good)
                return true;
        }
        return false;
    }

    // What a failed flush forgot on a leg is lost, whenever a client is told, if no other leg stands in for all of it: one
    // that has everything and fails nothing before the mirror has decided what follows from the flush.
    private void LegDid(string name, DiskEvent what)
    {
        // It may be rewritten, and good again, before the client is told.
        if (what == DiskEvent.BadBlockRead)
            Trouble();
        if (_device is null || !IsMirror || what is not (DiskEvent.FlushError or DiskEvent.WriteError or DiskEvent.ZeroesError
            or DiskEvent.GoneRefused or DiskEvent.GoneUnderWay))
        {
            return;
        }
        _failing.Add(name);
        _hasForgotten |= what == DiskEvent.FlushError;
        _hasUnrecordedFlush |= what == DiskEvent.FlushError;
        if (!_hasForgotten || Knowledge.Legs.ToArray().Any(StandsIn))
            return;
        Trouble();
        Reach("flush errors that lost something");
        _model.Fail(_model.BeginFlush(), maySpoilReads: true);
    }

    private bool StandsIn(Leg leg) => leg.IsInSet && leg.Lacks.Count == 0 && !_failing.Contains(leg.Device.Name);

    // Once the loop is idle; what follows from an operation is decided when it has ended on all legs.
    private void ForgetDecided()
    {
        if (_failing.Count == 0 || !IsMirror || Knowledge.Legs.ToArray().Any(leg => leg.Suspicions > 0))
            return;
        _failing.Clear();
        _hasForgotten = false;
    }
}
