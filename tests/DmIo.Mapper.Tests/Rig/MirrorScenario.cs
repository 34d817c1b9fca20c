using System.Runtime.InteropServices;
using DmIo.Testing;

namespace DmIo.Mapper.Tests;

/// <summary>
/// A mirror's life that a seed determines: clients' requests, legs that fail, are slow and answer in any order, a slow
/// and failing state file, stops, crashes and starts. Checks that every request completes once, that everything read is
/// what may be there, that legs are identical wherever they are said to be, and that nothing acknowledged is lost.
/// </summary>
internal sealed class MirrorScenario
{
    private const long Length = 2048;

    private readonly Random _random;
    private readonly MirrorRig _rig;
    private readonly SectorModel _model = new(Length);
    private readonly List<TestRequest> _pending = [];
    private readonly bool _readsFail;
    private long _degradedAcks;

    public MirrorScenario(int seed)
    {
        _random = new Random(seed);
        long regionSize = 16L << _random.Next(8);
        _rig = new MirrorRig(_random.Next(2, 5), Length, regionSize, "core 1 {0}")
            .With(options => options with { CopyChunk = new Sectors(64), LegsAreFresh = true });
        _readsFail = _random.Next(2) == 0;
        bool tellsHoles = _random.Next(2) == 0;
        foreach (ScriptedDevice leg in _rig.Legs)
        {
            if (tellsHoles)
                TellHoles(leg);
            if (_random.Next(4) == 0)
                leg.WriteZeroesCapability = Sectors.Zero;
        }
        _rig.Start().With(options => options with { LegsAreFresh = false });
    }

    /// <summary>
    /// Full copies that ended, failures of legs, crashes and so on: that the scenarios reach them is a test too.
    /// </summary>
    public Dictionary<string, long> Reached { get; } = [];

    /// <summary>What the mirror logged.</summary>
    public string Story => string.Join('\n', _rig.Log.Lines.Select(line => line.Text));

    public void Run(int steps)
    {
        for (int i = 0; i < steps; i++)
        {
            Step();
            _rig.Loop.RunUntilIdle();
            AssertNoBug();
        }
        Calm();
        CheckAtRest();
        Restart(crash: false);
        Calm();
        CheckAtRest();
        _rig.FreeLegs();
        Reached["degraded acknowledgements"] = _degradedAcks;
        Reached["legs in sync again"] = _rig.Log.Of(2008).Count();
        Reached["legs that left"] = _rig.Log.Of(2002).Count();
        Reached["failures on all legs"] = Count(2003, "Write");
        Reached["read failures"] = Count(2003, "Read");
        Reached["unclean stops"] = _rig.Log.Of(2005).Count();
        Reached["copies left incomplete"] = _rig.Log.Of(2009).Count();
        Reached["records that failed"] = _rig.Log.Of(2010).Count();
    }

    private int Count(int id, string word) =>
        _rig.Log.Of(id).Count(line => line.Contains(word, StringComparison.Ordinal));

    private void Step()
    {
        switch (_random.Next(100))
        {
            case < 35:
                Change();
                break;
            case < 55:
                Read();
                break;
            case < 60:
                Submit(TestRequest.Flush(), () => { });
                break;
            case < 68:
                AnyLeg().Holds ^= true;
                break;
            case < 83:
                ReleaseSome();
                break;
            case < 87:
                Fail(AnyLeg());
                break;
            case < 88:
                FailTogether();
                break;
            case < 91:
                AnyLeg().Heal();
                break;
            case < 94:
                _rig.Store.Holds ^= true;
                break;
            case < 96:
                _rig.Store.Error = _random.Next(3) == 0 ? Errno.ENOSPC : Errno.None;
                break;
            case < 97:
                Calm();
                CheckAtRest();
                break;
            default:
                Restart(crash: _random.Next(3) > 0);
                break;
        }
    }

    private ScriptedDevice AnyLeg() => _rig.Legs[_random.Next(_rig.Legs.Count)];

    private (long Start, long Count) AnyRange()
    {
        long count = _random.Next(8) == 0 ? _random.Next(1, 600) : _random.Next(1, 20);
        // Few places, so that requests meet.
        long start = _random.Next(3) == 0 ? _random.NextInt64(Length - count) : _random.Next(4) * 500 + _random.Next(8);
        return (Math.Min(start, Length - count), count);
    }

    private void Change()
    {
        (long start, long count) = AnyRange();
        int kind = _random.Next(6);
        long order = _model.Submitted(start, count, zeroes: kind < 2);
        TestRequest request;
        if (kind == 0)
        {
            request = TestRequest.Discard(new(start), new(count));
        }
        else if (kind == 1)
        {
            request = TestRequest.WriteZeroes(new(start), new(count));
        }
        else
        {
            var buffer = new TestBuffer((int)new Sectors(count).Bytes);
            MemoryMarshal.Cast<byte, long>(buffer.Span).Fill(order);
            request = TestRequest.Write(new(start), buffer, _random.Next(4) == 0 ? BlockFlags.Fua : BlockFlags.None);
        }
        Submit(request, () =>
        {
            if (request.Error != Errno.None)
            {
                Assert.That(request.Error, Is.EqualTo(Errno.EIO));
                return;
            }
            _model.Acknowledged(start, count, order);
            if (_rig.Status.AsSpan().ContainsAny("DSF"))
                _degradedAcks++;
        });
    }

    private void Read()
    {
        (long start, long count) = AnyRange();
        (long, long)[][] allowed = _model.Allowed(start, count);
        long now = _model.Now;
        var buffer = new TestBuffer((int)new Sectors(count).Bytes);
        TestRequest request = TestRequest.Read(new(start), buffer);
        Submit(request, () =>
        {
            if (request.Error == Errno.None)
                Assert.That(_model.Check(buffer.Span, start, allowed, now), Is.Null);
            else
                Assert.That(_readsFail, "a read fails only where reads fail");
        });
    }

    private void Submit(TestRequest request, Action completed)
    {
        _pending.Add(request);
        request.OnCompleted = _ =>
        {
            // What completes behind a crash is seen by no one.
            if (!_pending.Remove(request))
                return;
            Assert.That(request.Completions, Is.EqualTo(1));
            completed();
        };
        _rig.Device.Submit(request);
    }

    private void ReleaseSome()
    {
        if (_rig.Store.Held > 0 && _random.Next(2) == 0)
            _rig.Store.ReleaseFirst();
        ScriptedDevice leg = AnyLeg();
        for (int i = _random.Next(1, 6); i > 0 && leg.Held.Count > 0; i--)
            leg.Release(leg.Held[_random.Next(leg.Held.Count)]);
    }

    private void Fail(ScriptedDevice leg)
    {
        Sectors start = new(_random.NextInt64(Length));
        BlockOperation? operation = _random.Next(5) switch
        {
            0 => BlockOperation.Flush,
            1 when _readsFail => BlockOperation.Read,
            2 => BlockOperation.WriteZeroes,
            _ => BlockOperation.Write,
        };
        if (_random.Next(2) == 0)
            leg.FailAll(Errno.EIO, operation);
        else
            leg.Fail(start, new(_random.Next(1, 100)), Errno.ENOSPC, operation);
    }

    // All legs fail writes at about the same place, so that none takes them.
    private void FailTogether()
    {
        long start = _random.Next(4) * 500;
        foreach (ScriptedDevice leg in _rig.Legs)
            leg.Fail(new(start + _random.Next(8)), new(8), Errno.EIO, BlockOperation.Write);
    }

    private void Restart(bool crash)
    {
        Reached[crash ? "crashes" : "stops"] = Reached.GetValueOrDefault(crash ? "crashes" : "stops") + 1;
        if (crash)
        {
            _pending.Clear();
            _rig.Crash();
            foreach (ScriptedDevice leg in _rig.Legs)
            {
                if (leg.Extents is not null)
                    TellHoles(leg);
            }
        }
        else
        {
            Calm();
            _rig.Stop();
        }
        _rig.Store.Error = Errno.None;
        int? syncFrom = _random.Next(2) == 0 ? _random.Next(_rig.Legs.Count) : null;
        if (syncFrom is { } leg2 && _rig.Store.State.Legs[leg2].State is LegState.Stale or LegState.Copying)
            syncFrom = null;
        // Slow and failing legs from the start on, so that clients meet the copy.
        foreach (ScriptedDevice leg in _rig.Legs)
        {
            leg.Holds = _random.Next(2) == 0;
            if (_random.Next(6) == 0)
                Fail(leg);
        }
        _rig.With(options => options with { SyncFrom = syncFrom }).StartBusy();
    }

    // Everything answers; what was asked completes.
    private void Calm()
    {
        _rig.Store.Error = Errno.None;
        _rig.Store.Holds = false;
        foreach (ScriptedDevice leg in _rig.Legs)
        {
            leg.Heal();
            leg.Holds = false;
        }
        for (int round = 0; round < 10000; round++)
        {
            _rig.Loop.RunUntilIdle();
            bool moved = _rig.Store.Held > 0;
            if (moved)
                _rig.Store.ReleaseFirst();
            foreach (ScriptedDevice leg in _rig.Legs)
            {
                moved |= leg.Held.Count > 0;
                leg.ReleaseAll();
            }
            if (!moved)
                break;
        }
        Assert.That(_pending, Is.Empty, "every request completes");
        AssertNoBug();
    }

    private void CheckAtRest()
    {
        LegSet knowledge = ((MirrorTarget)_rig.Device.Targets[0]).Knowledge;
        for (long region = 0; region < knowledge.Regions; region++)
        {
            Sectors start = knowledge.StartOf(region);
            Sectors count = knowledge.StartOf(region + 1) - start;
            ReadOnlySpan<byte> right = _rig.Legs[knowledge.Source.Index].Contents(start, count);
            (long, long)[][] allowed = _model.Allowed(start.Count, count.Count);
            Assert.That(_model.Check(right, start.Count, allowed, _model.Now), Is.Null);
            foreach (Leg leg in knowledge.Legs)
            {
                bool same = _rig.Legs[leg.Index].Contents(start, count).SequenceEqual(right);
                Assert.That(same || leg.Lacks.Contains(region), $"leg {leg.Index}, region {region}");
            }
        }
    }

    private void AssertNoBug() => Assert.That(_rig.Log.Of(2015), Is.Empty);

    private static void TellHoles(ScriptedDevice leg) => leg.Extents = (start, count) =>
    {
        var extents = new List<BlockExtent>();
        for (Sectors at = start; at < start + count; at += new Sectors(1))
        {
            bool hole = leg.Contents(at, new(1)).IndexOfAnyExcept((byte)0) < 0;
            ExtentKind kind = hole ? ExtentKind.Hole : ExtentKind.Data;
            if (extents.Count > 0 && extents[^1].Kind == kind)
                extents[^1] = extents[^1] with { Count = extents[^1].Count + new Sectors(1) };
            else
                extents.Add(new BlockExtent(at, new(1), kind));
        }
        return extents;
    };
}
