namespace DmIo.Mapper.Tests;

// What must hold when everything works again, and after each life.
internal sealed partial class MirrorSimulation
{
    // Everything works again; all legs come to be in sync, equal, and right.
    private void Rest()
    {
        if (_missing.Count > 0)
        {
            Calm();
            Stop();
            _missing.Clear();
            if (TryStart() is { } problem)
                throw new HistoryViolationException($"with all legs the mirror does not start: {problem}");
        }
        Calm();
        Pass(() => _client.UnderWay == 0, "every request completes");
        // A table that was taken meanwhile has legs that are out by hand.
        ClearLegs();
        TimeSpan until = _loop.Time.Elapsed + s_selfHelp;
        Pass(() => InSync() || _loop.Time.Elapsed > until, "time passes");
        if (!InSync())
        {
            // What only one leg has and cannot read, nobody can copy: its user writes it anew.
            Reach("rests that wanted blocks rewritten");
            if (!Legs.Any(HasBadBlock))
                throw new HistoryViolationException($"legs do not come to be in sync: {_device!.StatusLine()}");
            RewriteBadBlocks();
        }
        Pass(InSync, "all legs come to be in sync");
        // Legs may lag behind writes that were answered, but not behind a flush: it may be the first to tell that one failed.
        _client.Flush();
        Pass(() => _client.UnderWay == 0, "every request completes");
        Pass(InSync, "all legs come to be in sync");
        Reach("rests");
        CheckContents();
    }

    // All legs are equal, and right, but for blocks that cannot be read and that nobody has read since.
    private void CheckContents()
    {
        byte[] right = ContentsOf(Legs[0]);
        int unit = Legs[0].BlockBytes;
        foreach (SimulatedMedia leg in Legs)
        {
            for (int block = 0; block * unit < right.Length; block++)
            {
                if (leg.Contents.HealthOf(block) != BlockHealth.Good)
                    continue;
                ReadOnlySpan<byte> here = leg.Contents.Visible(block);
                if (Legs[0].Contents.HealthOf(block) != BlockHealth.Good)
                    here.CopyTo(right.AsSpan(block * unit));
                else if (!here.SequenceEqual(right.AsSpan(block * unit, unit)))
                    throw new HistoryViolationException($"at rest {leg.Name} differs from {Legs[0].Name} in block {block}");
                if (_model.CheckNow((long)block * unit / Sectors.SizeBytes, here) is { } wrong)
                    throw new HistoryViolationException($"at rest, {leg.Name}: {wrong}");
            }
        }
    }

    private void RewriteBadBlocks()
    {
        long unit = _device!.LogicalBlockBytes / Sectors.SizeBytes;
        for (long start = 0; start < _length; start += unit)
        {
            long block = start / unit;
            if (Legs.Any(leg => leg.Contents.HealthOf((int)block) != BlockHealth.Good))
                _client.Write(start, unit);
        }
        Pass(() => _client.UnderWay == 0, "every request completes");
    }

    private bool InSync() => Knowledge.IsWhole && Knowledge.Set == Knowledge.All;

    private void Calm()
    {
        Story?.Add("all is well again");
        // What hangs in a leg that is gone fails now.
        if (AllMedia.Any(media => media.Vanished > 0))
            Trouble();
        ClearLegs();
        _store.Error = Errno.None;
        foreach (SimulatedMedia media in AllMedia)
        {
            media.Faults.Heal();
            media.Revive();
            media.CompleteVanished();
            media.Return();
            if (media.IsHung)
                media.EndHang();
        }
    }

    private void Pass(Func<bool> condition, string what)
    {
        _loop.RunUntilIdle();
        TimeSpan step = TimeSpan.FromMilliseconds(1);
        for (TimeSpan passed = TimeSpan.Zero; !condition(); passed += step)
        {
            if (passed > s_patience)
                throw new HistoryViolationException($"it does not come about that {what}: {_device?.StatusLine()}");
            _loop.Time.Advance(step);
            AssertNoBug();
            step = step < TimeSpan.FromSeconds(1) ? step * 2 : step;
        }
    }

    // Where the log that is left says clean, all legs are identical.
    private void CheckLog(string after)
    {
        RestoreFlipped();
        // What stands in a leg's place has no place in the record before the start has ended.
        if (Log is null || _isReplacing || _store.Text is { } text && MirrorStateJson.Read(text, "vol0", "").LogLost)
            return;
        var image = new LogImage(_length / _regionSize, Log.BlockBytes);
        Log.Contents.Visible(0, image.Bytes.Length / Log.BlockBytes).CopyTo(image.Bytes);
        if (!image.HasMagic)
            return;
        int blocksOfRegion = (int)(new Sectors(_regionSize).Bytes / _block);
        for (int region = 0; region < image.Regions; region++)
        {
            if (!image.IsClean(region))
                continue;
            Reach("clean regions compared");
            foreach (SimulatedMedia leg in Legs.Skip(1))
                CheckAlike(leg, region * blocksOfRegion, blocksOfRegion, after);
        }
    }

    private void CheckAlike(SimulatedMedia leg, int firstBlock, int count, string after)
    {
        SimulatedMedia first = Legs[0];
        if (leg.Contents.Visible(firstBlock, count).SequenceEqual(first.Contents.Visible(firstBlock, count)))
            return;
        for (int block = firstBlock; block < firstBlock + count; block++)
        {
            ReadOnlySpan<byte> here = leg.Contents.Visible(block);
            int same = here.CommonPrefixLength(first.Contents.Visible(block));
            // What a block that cannot be read holds means nothing.
            if (same == _block || Legs.Any(any => any.Contents.HealthOf(block) != BlockHealth.Good))
                continue;
            int word = same / sizeof(long) * sizeof(long);
            long sector = ((long)block * _block + same) / Sectors.SizeBytes;
            throw new HistoryViolationException(
                $"after {after} the log says that region {sector / _regionSize} is clean, and in sector {sector} {first.Name} "
                + $"has stamp {BitConverter.ToInt64(first.Contents.Visible(block)[word..])}, {leg.Name} "
                + $"{BitConverter.ToInt64(here[word..])}");
        }
    }

    private static byte[] ContentsOf(SimulatedMedia leg) =>
        leg.Contents.Visible(0, (int)(leg.Length.Bytes / leg.BlockBytes)).ToArray();
}
