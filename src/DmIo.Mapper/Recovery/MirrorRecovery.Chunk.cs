namespace DmIo.Mapper;

// What is copied at once, under one turn.
internal sealed partial class MirrorRecovery
{
    /// <returns>Whether there was nothing but holes.</returns>
    private async Task<bool> ChunkAsync(RecoverySpan span, Sectors start, Sectors count, LentBuffer buffer)
    {
        var turn = new AwaitedTurn();
        bool takesTurn = !mirror.HasFault(EngineFaults.NoTurnsInRecovery);
        if (takesTurn)
            await turn.EnterAsync(host.Turns, mirror.Begin + start, count);
        long first = legs.RegionOf(start);
        long last = legs.LastOf(start, count);
        try
        {
            if (span.IsOutdated || !await mirror.EnterRegionsAsync(first, last))
            {
                span.IsOutdated = _isStuck = true;
                return false;
            }
            try
            {
                return await CopyAsync(span, start, count, buffer);
            }
            finally
            {
                mirror.LeaveRegions(first, last);
            }
        }
        finally
        {
            if (takesTurn)
                host.Turns.Leave(turn);
        }
    }

    private async Task<bool> CopyAsync(RecoverySpan span, Sectors start, Sectors count, LentBuffer buffer)
    {
        long first = legs.RegionOf(start);
        long last = legs.LastOf(start, count);
        Leg? source = legs.SourceOf(first, last);
        ulong targets = source is null ? 0 : legs.TargetsOf(first, last, source);
        bool isHole = true;
        IReadOnlyList<BlockExtent> extents = source is null || targets == 0
            ? [] : await ExtentsAsync(source, start, count);
        foreach (BlockExtent extent in extents)
        {
            // The source may have left meanwhile, and then it is not one any more.
            if (span.IsOutdated)
                return false;
            if (extent.Kind == ExtentKind.Data)
            {
                isHole = false;
                await CopyDataAsync(span, source!, extent.Start, extent.Count, buffer);
                continue;
            }
            BlockFlags flags = extent.Kind == ExtentKind.Zero ? BlockFlags.NoUnmap : BlockFlags.None;
            await ZeroAsync(legs.TargetsOf(first, last, source!), extent, flags);
        }
        // Without a leg that holds it, or is not behind with a write to it, there is nothing to copy, and no reason to look
        // again at once. What follows of the region may be copied, but that is not all of it.
        if (source is null)
        {
            _isStuck = true;
            for (long region = first; region <= last; region++)
                span.Disturb(region);
            return false;
        }
        // The last chunk of a region has it copied.
        for (long region = first; region <= last; region++)
        {
            if (legs.StartOf(region + 1) <= start + count)
                span.Copied.Add((region, legs.TargetsOf(region, region, source) & ~source.Bit));
        }
        return isHole;
    }

    private async Task CopyDataAsync(RecoverySpan span, Leg source, Sectors start, Sectors count, LentBuffer buffer)
    {
        Sectors step = Sectors.FromBytes(BufferPool.MaxBytes);
        for (Sectors done = Sectors.Zero; done < count; done += step)
        {
            Sectors at = start + done;
            Sectors length = Sectors.Min(step, count - done);
            IoVector data = buffer.First(length.Bytes);
            await _pacer.WaitAsync(length.Bytes);
            if (span.IsOutdated)
                return;
            Leg? read = await ReadAsync(source, at, data, buffer);
            // What a read that was given up may still write into is used for nothing else.
            if (buffer.IsPinned)
                span.IsOutdated = _isStuck = true;
            if (span.IsOutdated)
                return;
            long first = legs.RegionOf(at);
            long last = legs.LastOf(at, length);
            if (read is null)
            {
                // Nobody can read it: those who lack it go on lacking it.
                _isStuck = true;
                for (long region = first; region <= last; region++)
                    span.Disturb(region);
                continue;
            }
            ulong targets = legs.TargetsOf(first, last, source);
            // What came from another leg makes the source like it too.
            if (read != source)
                targets = (targets | source.Bit) & ~read.Bit & legs.Set;
            LegFailures failures = buffer.Used(await writer.WriteAsync(targets, at, data));
            NoteFailures(failures, first, last);
            if (!buffer.IsPinned)
                continue;
            // Another one is needed for the rest.
            span.IsOutdated = _again = true;
            return;
        }
    }

    private async Task<Leg?> ReadAsync(Leg source, Sectors start, IoVector data, LentBuffer buffer)
    {
        ulong tried = 0;
        long first = legs.RegionOf(start);
        long last = legs.LastOf(start, Sectors.FromBytes(data.LengthBytes));
        for (Leg? leg = source; leg is not null; leg = legs.HolderBut(tried, first, last))
        {
            tried |= leg.Bit;
            LegFailures unread = buffer.Used(await writer.ReadAsync(leg, start, data));
            if (unread.Bits == 0)
                return leg;
            if (unread[leg.Index].Errno == Errno.EAGAIN)
                return null;
            if (buffer.IsPinned)
            {
                mirror.LeaveHanging(leg, unread[leg.Index]);
                return null;
            }
            mirror.NoteReadFailure(leg, unread[leg.Index], LegErrors.Sync);
        }
        return null;
    }

    private async Task ZeroAsync(ulong targets, BlockExtent extent, BlockFlags flags)
    {
        LegFailures failures = await writer.ZeroAsync(targets, extent.Start, extent.Count, flags);
        NoteFailures(failures, legs.RegionOf(extent.Start), legs.LastOf(extent.Start, extent.Count));
    }

    private void NoteFailures(LegFailures failures, long first, long last)
    {
        if (failures.Bits == 0)
            return;
        // Whoever stays although it fails is tried again later, not at once.
        _isStuck |= !mirror.RecoveryWriteFailed(first, last, failures);
    }

    private async Task<IReadOnlyList<BlockExtent>> ExtentsAsync(Leg source, Sectors start, Sectors count)
    {
        try
        {
            Task<IReadOnlyList<BlockExtent>> telling =
                source.Device.ReadExtentsAsync(start + source.Offset, count).AsTask();
            if (options.LegDeadline > TimeSpan.Zero && !telling.IsCompleted)
                telling = telling.WaitAsync(options.LegDeadline, host.Loop.Time);
            IReadOnlyList<BlockExtent> extents = await telling;
            return [.. extents.Select(extent => extent with { Start = extent.Start - source.Offset })];
        }
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            return [new BlockExtent(start, count, ExtentKind.Data)];
        }
    }
}
