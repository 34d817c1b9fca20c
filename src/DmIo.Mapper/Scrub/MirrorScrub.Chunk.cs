using System.Numerics;

namespace DmIo.Mapper;

// What is compared at once, under one turn.
internal sealed partial class MirrorScrub
{
    // How often legs may fail or leave while a chunk is compared before it is passed over. Arbitrary.
    private const int Attempts = 8;

    // A range that a leg cannot read is told as a multiple of this.
    private const int UnreadableBytes = 4096;

    // How many mismatches of one run are raised as events and logged: they crowd out everything else. Arbitrary.
    private const int MaxTold = 100;

    private Sectors Unit => new(host.LogicalBlockBytes >> Sectors.Shift);

    private async Task ChunkAsync(ScrubRun run, Sectors start, Sectors count, LentBuffer?[] mine)
    {
        var turn = new AwaitedTurn();
        await turn.EnterAsync(host.Turns, mirror.Begin + start, count);
        try
        {
            await CompareAsync(run, start, count, mine, 0);
        }
        finally
        {
            host.Turns.Leave(turn);
        }
    }

    /// <param name="run">What it is a part of.</param>
    /// <param name="start">First sector, on the mirror.</param>
    /// <param name="count">How many.</param>
    /// <param name="mine">A buffer for each leg of the set.</param>
    /// <param name="except">Bits of legs that cannot read the range, and are not asked.</param>
    private async Task CompareAsync(ScrubRun run, Sectors start, Sectors count, LentBuffer?[] mine, ulong except)
    {
        long first = legs.RegionOf(start);
        long last = legs.LastOf(start, count);
        bool isSure = false;
        var left = new HashSet<Sectors>();
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            ulong comparable = ScrubRun.Comparable(legs, first, last);
            if (comparable == 0)
            {
                await PassOrDivideAsync(run, start, count, mine, except);
                return;
            }
            ulong asked = comparable & ~except;
            if (BitOperations.PopCount(asked) < 2)
            {
                if (BitOperations.PopCount(comparable) < 2)
                    run.PassDisturbed(first, last);
                return;
            }
            if (!TryRent(mine, asked))
                break;
            LegFailures failures = await ReadAsync(asked, start, count, mine);
            if (NeedsOtherMemory(failures, asked, mine) || ScrubRun.Comparable(legs, first, last) != comparable)
                continue;
            if (failures.Bits != 0)
            {
                if (await UnreadableAsync(run, start, count, mine, except, failures))
                    return;
                continue;
            }
            List<ComparedRange> ranges =
                LegComparer.Compare(mine, asked, start, (int)count.Bytes, host.LogicalBlockBytes);
            if (ranges.Count > 0 && !isSure)
            {
                // A leg may have lost what it was to flush, and not have said so yet: then it differs rightly.
                isSure = true;
                if (mirror.AnyUnsettled(first, last))
                    await mirror.FlushSetAsync();
                continue;
            }
            if (ranges.Count > 0 && run.IsRepair && !await RepairAsync(run, start, ranges, mine, comparable, left))
                continue;
            run.Compared |= asked;
            run.ComparedSectors += count.Count;
            if (!run.IsRepair)
                ranges.ForEach(range => Found(run, range, ScrubOutcome.Told));
            return;
        }
        run.PassDisturbed(first, last);
    }

    private async Task PassOrDivideAsync(ScrubRun run, Sectors start, Sectors count, LentBuffer?[] mine, ulong except)
    {
        long first = legs.RegionOf(start);
        long last = legs.LastOf(start, count);
        if (first == last)
        {
            run.Pass(first);
            return;
        }
        for (long region = first; region <= last; region++)
        {
            Sectors from = Sectors.Max(start, legs.StartOf(region));
            Sectors to = Sectors.Min(start + count, legs.StartOf(region + 1));
            await CompareAsync(run, from, to - from, mine, except);
        }
    }

    private bool TryRent(LentBuffer?[] mine, ulong asked)
    {
        for (ulong rest = asked; rest != 0; rest &= rest - 1)
        {
            int leg = BitOperations.TrailingZeroCount(rest);
            mine[leg] ??= LentBuffer.TryRent(buffers, (int)_chunk.Bytes);
            if (mine[leg] is null)
                return false;
        }
        return true;
    }

    private async Task<LegFailures> ReadAsync(ulong asked, Sectors start, Sectors count, LentBuffer?[] mine)
    {
        var reads = new List<(Leg Leg, Task<LegFailures> Task)>();
        foreach (Leg leg in legs.Legs)
        {
            if ((asked & leg.Bit) != 0)
                reads.Add((leg, writer.ReadAsync(leg, start, mine[leg.Index]!.First(count.Bytes))));
        }
        var all = new LegFailures();
        foreach ((Leg leg, Task<LegFailures> task) in reads)
        {
            LegFailures failures = mine[leg.Index]!.Used(await task);
            if (failures.Bits != 0)
                all.Add(leg.Index, failures[leg.Index]);
        }
        return all;
    }

    // What a read that was given up may still write into is used for nothing else.
    private bool NeedsOtherMemory(LegFailures failures, ulong asked, LentBuffer?[] mine)
    {
        bool any = false;
        foreach (Leg leg in legs.Legs)
        {
            if ((asked & leg.Bit) == 0 || mine[leg.Index] is not { IsPinned: true } pinned)
                continue;
            any = true;
            pinned.Release();
            mine[leg.Index] = null;
            if ((failures.Bits & leg.Bit) != 0)
                mirror.LeaveHanging(leg, failures[leg.Index]);
        }
        return any;
    }

    /// <returns>Whether the range is done; otherwise it is to be tried again.</returns>
    private async Task<bool> UnreadableAsync(
        ScrubRun run, Sectors start, Sectors count, LentBuffer?[] mine, ulong except, LegFailures failures)
    {
        ulong unreadable = 0;
        foreach (Leg leg in legs.Legs)
        {
            // A leg that has failed something else meanwhile is asked again when what follows is decided.
            if ((failures.Bits & leg.Bit) == 0 || failures[leg.Index].Errno == Errno.EAGAIN)
                continue;
            unreadable |= leg.Bit;
            mirror.NoteReadFailure(leg, failures[leg.Index], LegErrors.Read);
        }
        if (unreadable == 0)
        {
            // A flush of its own ends when those have that were under way.
            await mirror.FlushSetAsync();
            return false;
        }
        Sectors least = Sectors.Max(Unit, Sectors.FromBytes(UnreadableBytes));
        if (count > least)
        {
            // Halves, down to what cannot be read.
            Sectors half = new((count.Count / least.Count + 1) / 2 * least.Count);
            await CompareAsync(run, start, half, mine, except);
            if (half < count)
                await CompareAsync(run, start + half, count - half, mine, except);
            return true;
        }
        foreach (Leg leg in legs.Legs)
        {
            if ((unreadable & leg.Bit) == 0)
                continue;
            run.Found.Add(new UnreadableRange(leg.Index, mirror.Begin + start, count, failures[leg.Index].Errno));
            mirror.RepairRead(leg, start, count);
        }
        await CompareAsync(run, start, count, mine, except | unreadable);
        return true;
    }

    private void Found(ScrubRun run, ComparedRange range, ScrubOutcome outcome)
    {
        Sectors start = mirror.Begin + range.Start;
        var mismatch = new ScrubMismatch(
            start, range.Count, range.Groups.ToLists(), mirror.Begin.Bytes + range.FirstByte, range.Values, outcome);
        if (!run.Found.Add(mismatch) || run.Told >= MaxTold)
            return;
        run.Told++;
        string groups = string.Join(" from ", mismatch.Groups.Select(group => string.Join(',', group)));
        MapperLog.Mismatch(host.Logger, host.Name, start, range.Count.Count, groups, mismatch.FirstByte, outcome);
        ulong right = RightOf(run, range);
        host.Raise(
            mirror, VolumeEventKind.Mismatch,
            new EventDetails
            {
                Sector = start.Count,
                Region = legs.RegionOf(range.Start),
                Count = range.Count.Count,
                ErrorBits = range.Groups.Legs & ~right,
                Repaired = outcome == ScrubOutcome.Repaired ? range.Count.Count : null,
            });
    }

    // Bits of the legs that are right: those that are like the chosen one, or the majority; 0 when there are none.
    private static ulong RightOf(ScrubRun run, ComparedRange range) =>
        run.From is { } from ? range.Groups.GroupOf(from) : range.Groups.Majority;
}
