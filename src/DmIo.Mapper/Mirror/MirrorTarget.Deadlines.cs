using System.Numerics;

namespace DmIo.Mapper;

// What becomes of operations on a leg that hangs: the leg leaves the set, and the operation is gone on without. It may
// still land: its memory is held until then, and the leg does not return before.
internal sealed partial class MirrorTarget
{
    // For reads that are answered from other memory. Arbitrary: several queues of the deepest clients; whoever finds none
    // waits for the leg.
    private const long SpareBytes = 64L << 20;

    private readonly DeadlineWatch _watch;
    private readonly BufferPool _spare = new(SpareBytes);

    /// <summary>Legs take too long for a change.</summary>
    internal void GiveUp(MirrorWrite write) => GiveUp(write, _client, write.Asked);

    /// <summary>Legs take too long for their regions of a request.</summary>
    internal void GiveUp(IoRequest request, IoClient client, ulong asked)
    {
        for (ulong late = request.UnfinishedBits; late != 0; late &= late - 1)
        {
            int region = BitOperations.TrailingZeroCount(late);
            Leg leg = LegOf(asked, region);
            if (leg.IsInSet && !LeaveOverdue(leg, request.Operation, Sectors.Zero))
                continue;
            leg.Abandoned++;
            if (client.Abandon(request, 1UL << region, Errno.ETIMEDOUT) == 0)
                leg.Abandoned--;
        }
    }

    /// <summary>A leg takes too long for a read: another is asked, with other memory.</summary>
    internal void GiveUp(MirrorRead read)
    {
        Leg leg = read.Leg!;
        if (leg.IsInSet && !LeaveOverdue(leg, BlockOperation.Read, read.Start))
            return;
        BlockRequest request = read.Original!;
        bool hasOther = _legs.HolderBut(
            leg.Bit, _legs.RegionOf(request.Start), _legs.LastOf(request.Start, request.Count)) is not null;
        if (!hasOther || !request.TakesOtherMemory || read.Other is not null
            || SpareMemory.TryRent(_spare, request.Count.Bytes) is not { } other)
        {
            return;
        }
        _watch.Remove(read);
        leg.Meter.Reads.Failed();
        read.Original = null;
        read.Held = request;
        request.Hold();
        leg.Abandoned++;
        StartRead(request, other);
    }

    /// <summary>A read that was given up has ended after all.</summary>
    internal void Landed(MirrorRead read)
    {
        BlockRequest held = read.Held!;
        read.Held = null;
        read.Leg!.Meter.ReadEnded(read.BeganAt, read.Count.Bytes);
        Recycle(read);
        Landed(read.Leg!);
        held.Unhold();
    }

    /// <summary>Part of a write that was given up has ended after all.</summary>
    internal void Landed(MirrorWrite write, int region)
    {
        Leg leg = LegOf(write.Asked, region);
        if (write.PinnedBits == 0 && write.Held is { } held)
        {
            write.Held = null;
            Recycle(write);
            held.Unhold();
        }
        Landed(leg);
    }

    /// <summary>An operation on a leg that was given up has ended after all.</summary>
    internal void Landed(Leg leg)
    {
        if (--leg.Abandoned == 0 && !leg.IsInSet)
            _returns.LegLanded(leg);
    }

    internal Leg LegOf(ulong asked, int region)
    {
        for (; region > 0; region--)
            asked &= asked - 1;
        return _legs[BitOperations.TrailingZeroCount(asked)];
    }

    // An operation of the mirror's own takes too long. Reads can be given up; a change only on a leg that leaves for it.
    private bool MayGiveUp(Leg leg, RegionFailure late) => late.Operation is BlockOperation.Read or BlockOperation.Flush
        || !leg.IsInSet || LeaveOverdue(leg, late.Operation, late.FirstFailingSector);

    /// <summary>Takes a leg that hangs for the mirror's own reads out of the set, if others can stand in for it.</summary>
    internal void LeaveHanging(Leg leg, RegionFailure failure)
    {
        if (leg.IsInSet)
            LeaveOverdue(leg, failure.Operation, failure.FirstFailingSector);
    }

    // The last leg that holds something is waited for, whatever it takes.
    private bool LeaveOverdue(Leg leg, BlockOperation operation, Sectors sector)
    {
        if (!_legs.CanLeave(leg))
            return false;
        Leave(leg);
        LegErrors kind = operation == BlockOperation.Read ? LegErrors.Read : LegErrors.Write;
        Tell(leg, new RegionFailure(operation, sector, Errno.ETIMEDOUT), kind, leg.Bit, leaves: true);
        return true;
    }
}
