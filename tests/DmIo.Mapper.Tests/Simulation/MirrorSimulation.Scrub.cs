using DmIo.Testing;

namespace DmIo.Mapper.Tests;

// Checks and repairs of the legs, and legs that are failed by hand.
internal sealed partial class MirrorSimulation
{
    // Far more steps than a check takes.
    private const int ScrubPatience = 100_000;

    private readonly Random _scrubRandom;
    private readonly List<FlippedBlock> _flipped = [];
    private bool _remembersFlips;
    private ManualLoop? _scrubLoop;
    private Task<ScrubReport>? _scrub;
    private CancellationTokenSource? _scrubCancel;

    // Beside everything else that happens: whatever that is, legs differ nowhere that they should not.
    private void ScrubNowAndThen()
    {
        if (_scrub is not null && (_scrubLoop != _loop || _scrub.IsCompleted))
            EndScrub();
        if (!IsMirror || _device!.IsSuspended)
            return;
        switch (_scrubRandom.Next(400))
        {
            case 0 or 1 when _scrub is null:
                BeginScrub();
                break;
            case 2:
                _scrubCancel?.Cancel();
                break;
            case 3 when _scrubRandom.Next(2) == 0:
                FailLeg(_scrubRandom.Next(Legs.Count));
                break;
            case 4 or 6 or 7:
                ClearLegs();
                break;
            case 5 when _scrubRandom.Next(3) == 0:
                FlipBits();
                break;
        }
    }

    private void BeginScrub()
    {
        _scrubLoop = _loop;
        _scrubCancel = new CancellationTokenSource();
        long? rate = _scrubRandom.Next(2) == 0 ? 4 << 20 : null;
        // One that goes on would list flipped bits that are restored by now.
        bool anew = _scrubRandom.Next(4) == 0 || _remembersFlips;
        _remembersFlips = false;
        int? from = _scrubRandom.Next(2) == 0 ? _scrubRandom.Next(Legs.Count) : null;
        _scrub = _scrubRandom.Next(2) == 0
            ? _device!.CheckAsync(new ScrubOptions { RateBytes = rate, Anew = anew }, _scrubCancel.Token)
            : _device!.RepairAsync(new RepairOptions { RateBytes = rate, Anew = anew, From = from }, _scrubCancel.Token);
    }

    private void EndScrub()
    {
        Task<ScrubReport> scrub = _scrub!;
        _scrub = null;
        _scrubCancel!.Dispose();
        _scrubCancel = null;
        if (!scrub.IsCompleted)
            return;
        if (scrub.IsFaulted)
        {
            if (scrub.Exception!.InnerException is not MapperException)
                throw new HistoryViolationException($"a check ends with {scrub.Exception.InnerException}");
            Reach("checks that were refused");
            return;
        }
        ScrubReport report = scrub.Result;
        Reach($"checks beside trouble: {report.End}");
        Reach("checked sectors", report.Compared.Count);
        Reach("sectors that could not be read when they were checked", report.UnreadableSectors.Count);
        Reach("regions passed over by checks", report.LackedRegions + report.DifferingRegions + report.DisturbedRegions);
        if (report.Mismatches.FirstOrDefault(range => Unexcused(range).Any()) is { } first)
            throw new HistoryViolationException($"legs differ where they must not: {Describe(first)}");
    }

    private void FailLeg(int leg)
    {
        Task failed = _device!.FailLegAsync(leg);
        _loop.RunUntilIdle();
        if (failed.IsCompleted)
            Reach(failed.IsFaulted ? "legs that were not failed by hand" : "legs failed by hand");
    }

    private void ClearLegs()
    {
        if (_device is null || !IsMirror)
            return;
        foreach (Leg leg in Knowledge.Legs.ToArray())
        {
            if (leg.IsFailedByHand && leg.IsPresent)
                _device!.ClearLegAsync(leg.Index);
        }
        _loop.RunUntilIdle();
    }

    // Bits change on media where nobody reads them meanwhile: a check lists exactly those, a repair mends them.
    private void FlipBits()
    {
        Rest();
        RewriteBadBlocks();
        // Legs may lag behind writes that were answered, but not behind a flush.
        _client.Flush();
        Pass(() => _client.UnderWay == 0, "every request completes");
        _scrubCancel?.Cancel();
        Pass(() => _scrub is null || _scrubLoop != _loop || _scrub.IsCompleted, "a check ends that was cancelled");
        if (_scrub is not null)
            EndScrub();
        // What one leg once could not read is perhaps being rewritten from another, bits that change now and all.
        Pass(() => _device!.Turns.Count == 0, "every turn is given back");
        // A leg may have left again meanwhile: nobody would look at it.
        if (!InSync())
            return;
        int? from = Legs.Count < 3 || _scrubRandom.Next(2) == 0 ? _scrubRandom.Next(Legs.Count) : null;
        int version = Knowledge.Version;
        _remembersFlips = true;
        for (int i = _scrubRandom.Next(1, 6); i > 0; i--)
            Flip(from);
        Reach("episodes of flipped bits");
        try
        {
            if (Beside(version, true, Check) is not { } check)
                return;
            CheckListed(check);
            if (Beside(version, true, Repair) is not { } repair)
                return;
            CheckListed(repair);
            CheckMended(repair);
        }
        finally
        {
            RestoreFlipped();
        }

        Task<ScrubReport> Check(bool anew, CancellationToken token) =>
            _device!.CheckAsync(new ScrubOptions { RateBytes = Rate(), Anew = anew }, token);

        Task<ScrubReport> Repair(bool anew, CancellationToken token) =>
            _device!.RepairAsync(new RepairOptions { RateBytes = Rate(), Anew = anew, From = from }, token);
    }

    private long? Rate() => _scrubRandom.Next(3) switch { 0 => 1 << 20, 1 => 8 << 20, _ => null };

    private void Flip(int? except)
    {
        int leg = _scrubRandom.Next(Legs.Count);
        int block = _scrubRandom.Next((int)(new Sectors(_length).Bytes / _block));
        // One leg at a time, so that the others are the majority.
        if (leg == except || _flipped.Any(other => other.Block == block))
            return;
        _flipped.Add(new FlippedBlock(Legs[leg], block, _scrubRandom.Next(_block * 8)));
        Story?.Add($"a bit of {Legs[leg].Name} changes in sector {_flipped[^1].Start}");
    }

    // Clients go on elsewhere; null when something else happened, and what the bits did to it is not known.
    private ScrubReport? Beside(int version, bool anew, Func<bool, CancellationToken, Task<ScrubReport>> begin)
    {
        using var cancel = new CancellationTokenSource();
        Task<ScrubReport> task = begin(anew, cancel.Token);
        for (int i = 0; !task.IsCompleted || _client.UnderWay > 0; i++)
        {
            if (i == ScrubPatience)
                throw new HistoryViolationException($"a check does not come to an end: {_device!.Scrub}");
            if (_client.UnderWay < MaxUnderWay && !task.IsCompleted)
                Ask();
            // As much as a leg needs to hang; not as much as it takes to come back and be copied to or from.
            if (_scrubRandom.Next(3) == 0)
                _loop.Time.Advance(TimeSpan.FromMilliseconds(_scrubRandom.NextDouble() * 4));
            _loop.RunUntilIdle();
            AssertNoBug();
            if (Knowledge.Version != version)
            {
                Reach("episodes that a leg ended");
                cancel.Cancel();
                RestoreFlipped();
                return null;
            }
            if (!task.IsCompleted && _scrubRandom.Next(600) == 0)
            {
                EndLifeOfFlipped();
                return null;
            }
            if (!task.IsCompleted && _scrubRandom.Next(100) == 0)
                cancel.Cancel();
        }
        if (task.IsFaulted)
            throw new HistoryViolationException($"a check ends with {task.Exception!.InnerException}");
        if (task.Result.End == ScrubEnd.Complete)
            return task.Result;
        Reach("checks that were taken up again");
        return Beside(version, false, begin);
    }

    private void EndLifeOfFlipped()
    {
        Reach("episodes that a power cut ended");
        if (_scrubRandom.Next(2) == 0)
            PowerCut();
        else
            Kill();
        Start();
    }

    private void RestoreFlipped()
    {
        _flipped.ForEach(block => block.Restore());
        _flipped.Clear();
    }

    private bool TouchesFlipped(long start, long count) => _flipped.Any(
        block => block.Start.Count < start + count && start < block.Start.Count + block.Count.Count);

    private void CheckListed(ScrubReport report)
    {
        long[] expected =
            [.. _flipped.SelectMany(block => SectorsOf(block.Start, block.Count)).Where(sector => !IsExcused(sector)).Order()];
        long[] listed = [.. report.Mismatches.SelectMany(Unexcused)];
        // What a repair has mended beside those had been forgotten by a flush that failed, and is not any more.
        bool isRight = report.IsRepair ? !expected.Except(listed).Any() : expected.SequenceEqual(listed);
        if (!isRight)
        {
            throw new HistoryViolationException(
                $"a check listed the sectors {string.Join(", ", listed)}, and these differ: {string.Join(", ", expected)}");
        }
        foreach (FlippedBlock block in _flipped)
        {
            int leg = Legs.IndexOf(block.Leg);
            ScrubMismatch range = report.Mismatches.First(range => range.End > block.Start);
            if (Unexcused(range).Any() && !range.Groups.Any(group => group.SequenceEqual([leg]) || (Legs.Count == 2 && group.Contains(leg))))
                throw new HistoryViolationException($"it is {block.Leg.Name}, leg {leg}, that differs: {Describe(range)}");
            if (range.Start == block.Start && range.FirstByte != block.FirstByte)
                throw new HistoryViolationException($"it is byte {block.FirstByte} that differs: {Describe(range)}");
        }
        if (report.Compared.Count != _length || report.UnreadableSectors.Count > 0)
            throw new HistoryViolationException($"a check has not compared everything: {report}");
        Reach("flipped sectors listed", listed.Length);
    }

    private void CheckMended(ScrubReport report)
    {
        // A log that takes too long is one that fails.
        if (report.Failed > Sectors.Zero && HasDiskLog)
        {
            Reach("repairs that could not be recorded");
            return;
        }
        if (report.Repaired != report.Differing)
            throw new HistoryViolationException($"a repair left something: {report}");
        foreach (FlippedBlock block in _flipped)
        {
            if (!block.IsMended)
                throw new HistoryViolationException($"{block.Leg.Name} was not mended in sector {block.Start}");
        }
        Reach("flipped sectors mended", report.Repaired.Count);
    }

    // A flush that failed, and a program that was killed before it could say so, leave what nobody can know of.
    private IEnumerable<long> Unexcused(ScrubMismatch range) =>
        SectorsOf(range.Start, range.Count).Where(sector => !IsExcused(sector));

    private bool IsExcused(long sector) =>
        Legs.Any(leg => leg.Contents.IsLost((int)(new Sectors(sector).Bytes / leg.BlockBytes)));

    private static IEnumerable<long> SectorsOf(Sectors start, Sectors count) =>
        Enumerable.Range(0, (int)count.Count).Select(i => start.Count + i);

    private static string Describe(ScrubMismatch range) =>
        $"sector {range.Start}, {range.Count} sectors, legs {string.Join(" from ", range.Groups.Select(group => string.Join(',', group)))}, "
        + $"first at byte {range.FirstByte}";
}
