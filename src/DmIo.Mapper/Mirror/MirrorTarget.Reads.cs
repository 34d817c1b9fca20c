using System.Numerics;

namespace DmIo.Mapper;

// The way of a read: to the leg that is least busy of those that hold it, and to the next when that fails.
internal sealed partial class MirrorTarget
{
    private readonly List<MirrorRead> _undecided = [];
    private MirrorRead? _freeRead;
    private readonly ulong _writeMostly;

    internal void Finished(MirrorRead read)
    {
        Leg leg = read.Leg!;
        leg.Meter.ReadEnded(read.BeganAt, read.Count.Bytes);
        _watch.Remove(read);
        // A leg that has failed a flush meanwhile may have forgotten what it was to keep: rather ask another.
        if (read.Error == Errno.None && leg.Failures != read.LegFailures)
        {
            if (TryStart(read) || AwaitsDecision(read, leg, read.At, read.At + read.Count))
                return;
            if (leg.Lacks.ContainsAny(_legs.RegionOf(read.At), _legs.LastOf(read.At, read.Count)))
            {
                Fail(read, read.At);
                return;
            }
        }
        if (read.Error == Errno.None)
        {
            if (read.Unreadable != 0)
                Repair(read);
            read.At += read.Count;
            if (read.At == read.Original!.End)
                End(read, Errno.None, Sectors.Zero);
            else
                StartPiece(read);
            return;
        }
        read.Unreadable |= leg.Bit;
        leg.Meter.Reads.Failed();
        var failure = new RegionFailure(BlockOperation.Read, read.FailedAt, read.Error);
        (read.Failures ??= new LegFailures()).Add(leg.Index, failure);
        NoteReadFailure(leg, failure, LegErrors.Read);
        if (TryStart(read))
            return;
        Fail(read, read.FailedAt - leg.Offset);
    }

    // Never with what happened to lie in the buffer.
    private void Fail(MirrorRead read, Sectors failedAt)
    {
        MemoryOf(read).Clear();
        End(read, Errno.EIO, failedAt, Explain(read.Failures));
    }

    private static IoVector MemoryOf(MirrorRead read) => read.Other?.Vector ?? read.Original!.Data;

    private void StartRead(BlockRequest request, SpareMemory? other = null)
    {
        MirrorRead read = _freeRead ?? new MirrorRead(this);
        _freeRead = read.NextFree;
        read.Original = request;
        read.Other = other;
        read.Operation = BlockOperation.Read;
        read.Flags = request.Flags;
        read.At = request.Start;
        StartPiece(read);
    }

    private void StartPiece(MirrorRead read)
    {
        read.Tried = read.Unreadable = 0;
        read.Failures = null;
        if (!TryStart(read))
            Fail(read, read.At);
    }

    // Sends the longest piece that one leg can serve to that leg.
    private bool TryStart(MirrorRead read)
    {
        BlockRequest request = read.Original!;
        Sectors start = read.At;
        Sectors end = request.End;
        ulong candidates;
        if (_legs.IsWhole)
        {
            candidates = _legs.Set & ~read.Tried;
        }
        else
        {
            long region = _legs.RegionOf(start);
            candidates = Candidates(region, read.Tried);
            // Who is behind with a write elsewhere in the region may serve this.
            if (candidates == 0 && _lagging.Count == 0)
                return false;
            long last = _legs.RegionOf(end - new Sectors(1));
            while (region < last && (candidates & Candidates(region + 1, read.Tried)) is not 0 and var both)
            {
                candidates = both;
                region++;
            }
            if (region < last)
                end = _legs.StartOf(region + 1);
        }
        if (_lagging.Count > 0 && !HasFault(EngineFaults.ReadsFromLaggards))
            candidates = UpToDate(candidates, read.Tried, start, ref end);
        if (candidates == 0)
            return false;
        Leg leg = Choose(candidates, start, end - start);
        if (AwaitsDecision(read, leg, start, end))
            return true;
        read.Leg = leg;
        read.LegFailures = leg.Failures;
        read.Tried |= leg.Bit;
        read.Start = leg.Offset + start;
        read.Count = end - start;
        IoVector memory = MemoryOf(read);
        read.Data = start == request.Start && end == request.End
            ? memory
            : memory.Slice((start - request.Start).Bytes, read.Count.Bytes);
        leg.Meter.Reads.InFlight++;
        leg.NextSequential = end;
        _watch.Add(read);
        leg.Device.Submit(read);
        return true;
    }

    // A leg that has failed a flush may have forgotten what another has, though that cannot read it: it is asked when it is
    // known what it lacks.
    private bool AwaitsDecision(MirrorRead read, Leg leg, Sectors start, Sectors end)
    {
        if ((_legs.Forgetful & leg.Bit) == 0)
            return false;
        ulong holders = _legs.NotLacking(_legs.RegionOf(start), _legs.LastOf(start, end - start));
        if ((holders & _legs.Set & ~_legs.Forgetful) == 0)
            return false;
        _undecided.Add(read);
        return true;
    }

    /// <summary>What legs that have failed a flush lack is known: goes on with reads that waited for it.</summary>
    internal void ReadAfterDecision()
    {
        if (_undecided.Count == 0)
            return;
        MirrorRead[] reads = [.. _undecided];
        _undecided.Clear();
        foreach (MirrorRead read in reads)
        {
            read.Tried = read.Unreadable;
            if (!TryStart(read))
                Fail(read, read.At);
        }
    }

    // Rather those that have not just failed something.
    private ulong Candidates(long region, ulong tried)
    {
        if (HasFault(EngineFaults.ReadsWhatIsLacked))
            return _legs.Set & ~tried;
        ulong sound = _suspects == 0 ? 0 : _legs.ReadersOf(region, tried | _suspects);
        return sound != 0 ? sound : _legs.ReadersOf(region, tried);
    }

    private Leg Choose(ulong candidates, Sectors start, Sectors count)
    {
        if ((candidates & ~_suspects) != 0)
            candidates &= ~_suspects;
        if ((candidates & ~_writeMostly) != 0)
            candidates &= ~_writeMostly;
        if ((candidates & (candidates - 1)) == 0)
            return _legs[BitOperations.TrailingZeroCount(candidates)];
        Leg? best = null;
        int fewest = int.MaxValue;
        foreach (Leg leg in _legs.Legs)
        {
            if ((candidates & leg.Bit) == 0)
                continue;
            int load = leg.ReadsInFlight * 2;
            if (leg.Index == _options.Mirror.PreferredLeg)
                load = -2;
            else if (leg.NextSequential == start)
                load = -1;
            // What cannot be read there is asked of others, and of it only when they fail.
            if (leg.Unreadable.Count > 0 && leg.Unreadable.Overlaps(start, count))
                load = int.MaxValue - 1;
            if (load >= fewest)
                continue;
            fewest = load;
            best = leg;
        }
        return best!;
    }

    // Another leg has served what some could not read.
    private void Repair(MirrorRead read)
    {
        foreach (Leg leg in _legs.Legs)
        {
            if ((read.Unreadable & leg.Bit) != 0)
                _repair.Begin(leg, read.At, read.Count);
        }
    }

    private void End(MirrorRead read, Errno errno, Sectors failedAt, BlockFailure? failure = null)
    {
        BlockRequest request = read.Original!;
        SpareMemory? other = read.Other;
        read.Original = null;
        Recycle(read);
        if (other is not null && errno == Errno.None)
            request.AnswerWith(other.Vector, other);
        else
            other?.Release();
        End(request, errno, failedAt, failure);
    }

    private void Recycle(MirrorRead read)
    {
        read.Data = default;
        read.Failures = null;
        read.Other = null;
        read.NextFree = _freeRead;
        _freeRead = read;
    }
}
