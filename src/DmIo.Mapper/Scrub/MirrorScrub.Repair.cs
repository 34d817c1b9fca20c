using System.Numerics;

namespace DmIo.Mapper;

// Legs that differ are made like the one that is right.
internal sealed partial class MirrorScrub
{
    // The last repair that has begun: one at a time, since the record can say of a region that a leg lacks it, not which
    // part of it.
    private Task _lastRepair = Task.CompletedTask;

    /// <summary>Repairs ranges that were just compared, under their turn.</summary>
    /// <param name="run">What it is a part of.</param>
    /// <param name="start">Where the buffers' contents begin.</param>
    /// <param name="ranges">Where legs differ.</param>
    /// <param name="mine">What the legs have.</param>
    /// <param name="comparable">Bits of the legs that hold all of it.</param>
    /// <param name="left">Ranges of the chunk that were told and stay as they are.</param>
    /// <returns>False when the legs have changed meanwhile, so that all is to be compared again.</returns>
    private async Task<bool> RepairAsync(
        ScrubRun run, Sectors start, List<ComparedRange> ranges, LentBuffer?[] mine, ulong comparable,
        HashSet<Sectors> left)
    {
        Task before = _lastRepair;
        var done = new TaskCompletionSource();
        _lastRepair = done.Task;
        await before;
        try
        {
            foreach (ComparedRange range in ranges)
            {
                if (await RepairAsync(run, start, range, mine, comparable) is not { } outcome)
                    return false;
                if (outcome == ScrubOutcome.Repaired || left.Add(range.Start))
                    Found(run, range, outcome);
            }
            return true;
        }
        finally
        {
            done.SetResult();
        }
    }

    private async Task<ScrubOutcome?> RepairAsync(
        ScrubRun run, Sectors start, ComparedRange range, LentBuffer?[] mine, ulong comparable)
    {
        long first = legs.RegionOf(range.Start);
        long last = legs.LastOf(range.Start, range.Count);
        ulong right = RightOf(run, range);
        ulong wrong = range.Groups.Legs & ~right;
        if (right == 0)
            return ScrubOutcome.Undecided;
        if (IsOutdated())
            return null;
        if (!await mirror.BeginRepairAsync(first, last, wrong))
            return ScrubOutcome.Failed;
        try
        {
            return IsOutdated() ? null : await RewriteAsync(start, range, right, wrong, mine);
        }
        finally
        {
            mirror.EndRepair(first, last, wrong);
        }

        bool IsOutdated() => ScrubRun.Comparable(legs, first, last) != comparable
            || mine[BitOperations.TrailingZeroCount(right)] is null or { IsPinned: true };
    }

    private async Task<ScrubOutcome> RewriteAsync(
        Sectors start, ComparedRange range, ulong right, ulong wrong, LentBuffer?[] mine)
    {
        long first = legs.RegionOf(range.Start);
        long last = legs.LastOf(range.Start, range.Count);
        LentBuffer good = mine[BitOperations.TrailingZeroCount(right)]!;
        IoVector data = good.First(_chunk.Bytes).Slice((range.Start - start).Bytes, range.Count.Bytes);
        // Durable at once: until then a power cut would leave the region to what the record says of it.
        LegFailures failures = good.Used(await writer.WriteAsync(wrong, range.Start, data, BlockFlags.Fua));
        if (failures.Bits != 0)
            mirror.RepairFailed(first, last, failures);
        ulong written = wrong & ~failures.Bits & legs.Set;
        bool isGood = written == wrong;
        for (ulong rest = written; rest != 0; rest &= rest - 1)
        {
            Leg leg = legs[BitOperations.TrailingZeroCount(rest)];
            isGood &= await IsBackAsync(leg, range, good, (int)(range.Start - start).Bytes, mine);
        }
        return isGood ? ScrubOutcome.Repaired : ScrubOutcome.Failed;
    }

    // What a leg takes and does not give back it does not hold.
    private async Task<bool> IsBackAsync(Leg leg, ComparedRange range, LentBuffer good, int at, LentBuffer?[] mine)
    {
        int bytes = (int)range.Count.Bytes;
        LentBuffer back = mine[leg.Index]!;
        LegFailures unread = back.Used(await writer.ReadAsync(leg, range.Start, back.First(_chunk.Bytes).Slice(at, bytes)));
        if (unread.Bits == 0 && !good.IsPinned && back.Span.Slice(at, bytes).SequenceEqual(good.Span.Slice(at, bytes)))
            return true;
        if (unread.Bits == 0 || unread[leg.Index].Errno is not (Errno.EAGAIN or Errno.ETIMEDOUT))
            mirror.GiveUpUnreadable(leg, range.Start, range.Count);
        return false;
    }
}
