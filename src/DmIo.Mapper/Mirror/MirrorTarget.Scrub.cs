namespace DmIo.Mapper;

// What checks and repairs of the legs need.
internal sealed partial class MirrorTarget
{
    private long _repairedTicket;

    /// <summary>Checks and repairs of the legs.</summary>
    internal MirrorScrub Scrub => _scrub;

    /// <summary>Whether regions were changed since all legs of the set were flushed.</summary>
    internal bool AnyUnsettled(long first, long last)
    {
        for (long region = first; region <= last; region++)
        {
            if (_uses.TryFind(region, out _))
                return true;
        }
        return false;
    }

    /// <summary>A leg could not read a range that others can: it is rewritten as after a client's read.</summary>
    internal void RepairRead(Leg leg, Sectors start, Sectors count) => _repair.Begin(leg, start, count);

    /// <summary>
    /// Begins the rewriting of part of some regions on some legs: the regions are dirty, and the record says that those
    /// legs lack them, so that after a power cut they are copied from one that is right, not to it. That is for the
    /// record alone: nothing is copied while the mirror lives.
    /// </summary>
    /// <returns>Whether all of that is durable; otherwise nothing has begun.</returns>
    internal async Task<bool> BeginRepairAsync(long first, long last, ulong wrong)
    {
        // Step by step: a commit that is cut in half must not leave that nobody holds a region.
        if (!await DurableAsync(_repairedTicket))
            return false;
        long ticket = 0;
        for (long region = first; region <= last; region++)
        {
            RegionUse use = EnterRegion(region);
            // Whoever is out of the set will not have what is written now.
            NoteOut(use);
            ticket = Math.Max(ticket, use.Ticket);
            foreach (Leg leg in _legs.Legs)
            {
                if ((wrong & leg.Bit) != 0)
                    ticket = Math.Max(ticket, _log.NoteLack(leg, region));
            }
        }
        if (await DurableAsync(ticket))
            return true;
        EndRepair(first, last, wrong);
        return false;
    }

    /// <summary>Ends the rewriting: what legs lack from now on is what they are known to lack.</summary>
    internal void EndRepair(long first, long last, ulong wrong)
    {
        foreach (Leg leg in _legs.Legs)
        {
            for (long region = first; (wrong & leg.Bit) != 0 && region <= last; region++)
            {
                if (!leg.Lacks.Contains(region))
                    _repairedTicket = Math.Max(_repairedTicket, _log.NoteHas(leg, region));
            }
        }
        LeaveRegions(first, last);
        _log.Commit();
    }

    /// <summary>Legs failed to be rewritten: as when recovery fails to write them.</summary>
    internal void RepairFailed(long first, long last, LegFailures failures)
    {
        if (!RecoveryWriteFailed(first, last, failures))
            RecoverLater();
    }
}
