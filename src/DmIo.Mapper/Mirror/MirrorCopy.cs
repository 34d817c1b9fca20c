using System.Diagnostics;

namespace DmIo.Mapper;

/// <summary>
/// The full copy: brings every leg of the set up to the source, region by region, holes as holes, while clients read
/// and write. Each chunk is copied under a turn, so it is ordered with clients' writes, which meanwhile go to all legs
/// of the set. Ends by flushing the copied legs and recording them as in sync.
/// </summary>
internal sealed class MirrorCopy(
    MirrorTarget mirror, MappedDevice host, LegSet legs, LegWriter writer, BufferPool buffers, Sectors chunkSize)
{
    /// <summary>
    /// Chunks under way at once. Arbitrary: enough to overlap reading with writing, few enough to leave room for
    /// clients.
    /// </summary>
    public const int Workers = 4;

    // Progress is logged this often.
    private const int PercentStep = 10;

    private readonly List<CopySpan> _active = [];
    private CopyCursor _cursor = new(legs, mirror.Length, chunkSize);
    private Task _running = Task.CompletedTask;
    private bool _isRunning;
    private bool _again;
    private bool _stopping;
    private long _total;
    private long _done;
    private long _toldPercent;

    /// <summary>Starts copying whatever legs of the set lack.</summary>
    public void Start()
    {
        if (_isRunning || _stopping)
            return;
        _isRunning = true;
        _running = host.Spawn("copying", RunAsync);
    }

    /// <summary>Stops when the chunks under way are done; what was copied stays noted.</summary>
    public Task StopAsync()
    {
        _stopping = true;
        return _running;
    }

    /// <summary>Tells that legs of the set may differ again in a range.</summary>
    public void Disturb(Sectors start, Sectors count)
    {
        if (count == Sectors.Zero)
            return;
        long first = legs.RegionOf(start);
        long last = legs.RegionOf(start + count - new Sectors(1));
        foreach (CopySpan span in _active)
            span.IsDisturbed |= span.FirstRegion <= last && first <= span.LastRegion;
    }

    /// <summary>
    /// Tells that another leg is the source: what is under way was copied from one that is not right any more.
    /// </summary>
    public void SourceChanged()
    {
        foreach (CopySpan span in _active)
            span.IsDisturbed = true;
        if (_isRunning)
            _again = true;
        else if (!legs.IsWhole)
            Start();
    }

    private async ValueTask RunAsync()
    {
        do
        {
            _again = false;
            _cursor = new CopyCursor(legs, mirror.Length, chunkSize);
            _active.Clear();
            _total = CountLacking();
            _done = _toldPercent = 0;
            MapperLog.CopyBegins(host.Logger, host.Name, legs.Source.Index, legs.Source.Place.Argument, _total);
            var workers = new Task[Workers];
            for (int i = 0; i < Workers; i++)
                workers[i] = WorkAsync();
            await Task.WhenAll(workers);
        }
        while (_again && !_stopping);
        if (!_stopping)
            await FinishAsync();
        _isRunning = false;
    }

    private async Task WorkAsync()
    {
        if (!buffers.TryRent(BufferPool.MaxBytes, out IoSegment buffer))
            throw new InvalidOperationException("The mirror's buffers are sized for its copy.");
        try
        {
            while (!_stopping && !_again && _cursor.TryNext(out CopyChunk chunk))
            {
                if (!_active.Contains(chunk.Span))
                    _active.Add(chunk.Span);
                await CopyAsync(chunk, [buffer]);
                Finished(chunk.Span);
            }
        }
        finally
        {
            buffers.Return(buffer);
        }
    }

    private async Task CopyAsync(CopyChunk chunk, IoSegment[] buffer)
    {
        var turn = new CopyTurn();
        await turn.EnterAsync(host.Turns, mirror.Begin + chunk.Start, chunk.Count);
        try
        {
            IReadOnlyList<BlockExtent> extents = await ExtentsAsync(chunk.Start, chunk.Count);
            _cursor.Learn(extents is [{ Kind: not ExtentKind.Data }]);
            foreach (BlockExtent extent in extents)
            {
                if (extent.Kind == ExtentKind.Data)
                {
                    await CopyDataAsync(chunk.Span, extent.Start, extent.Count, buffer);
                    continue;
                }
                BlockFlags flags = extent.Kind == ExtentKind.Zero ? BlockFlags.NoUnmap : BlockFlags.None;
                NoteWrite(await writer.ZeroAsync(TargetsOf(chunk.Span), extent.Start, extent.Count, flags), extent);
            }
        }
        finally
        {
            host.Turns.Leave(turn);
        }
    }

    private async Task CopyDataAsync(CopySpan span, Sectors start, Sectors count, IoSegment[] buffer)
    {
        Sectors step = Sectors.FromBytes(BufferPool.MaxBytes);
        for (Sectors done = Sectors.Zero; done < count; done += step)
        {
            Sectors length = Sectors.Min(step, count - done);
            IoVector data = new IoVector(buffer, 1).Slice(0, length.Bytes);
            Leg source = legs.Source;
            LegFailures unread = await writer.ReadAsync(source, start + done, data);
            if (unread.Bits != 0)
            {
                span.IsUnreadable = true;
                mirror.NoteReadFailure(source, unread[source.Index], LegErrors.Sync);
                continue;
            }
            var extent = new BlockExtent(start + done, length, ExtentKind.Data);
            NoteWrite(await writer.WriteAsync(TargetsOf(span), extent.Start, data), extent);
        }
    }

    private ulong TargetsOf(CopySpan span) =>
        legs.LackingIn(span.FirstRegion, span.LastRegion) & ~legs.Source.Bit;

    private void NoteWrite(LegFailures failures, in BlockExtent extent)
    {
        if (failures.Bits != 0)
            mirror.Note(failures, LegErrors.Sync, extent.Start, extent.Count);
    }

    private async Task<IReadOnlyList<BlockExtent>> ExtentsAsync(Sectors start, Sectors count)
    {
        try
        {
            return await mirror.ReadExtentsAsync(start, count, CancellationToken.None);
        }
        catch (IOException)
        {
            return [new BlockExtent(start, count, ExtentKind.Data)];
        }
    }

    private void Finished(CopySpan span)
    {
        if (--span.Outstanding > 0 || !span.IsIssued)
            return;
        _active.Remove(span);
        if (span.IsDisturbed)
        {
            _again = true;
            return;
        }
        if (!span.IsUnreadable)
            legs.MarkCopied(legs.Set, span.FirstRegion, span.LastRegion);
        _done += span.LastRegion - span.FirstRegion + 1;
        long percent = Math.Min(_done, _total) * 100 / _total / PercentStep * PercentStep;
        if (percent <= _toldPercent)
            return;
        _toldPercent = percent;
        MapperLog.CopyProgress(host.Logger, host.Name, legs.Source.Index, percent);
    }

    private async ValueTask FinishAsync()
    {
        ulong copied = CopiedLegs();
        if (copied != 0)
        {
            LegFailures failures = await writer.FlushAsync(copied);
            if (failures.Bits != 0)
                mirror.Note(failures, LegErrors.Flush, Sectors.Zero, mirror.Length);
            copied = CopiedLegs() & copied;
        }
        if (copied != 0)
            mirror.Join(copied);
        if (!legs.IsWhole)
            MapperLog.CopyIncomplete(host.Logger, host.Name, legs.Source.Index, CountLacking());
    }

    // Legs of the set that were copied to and lack nothing any more.
    private ulong CopiedLegs()
    {
        ulong copied = 0;
        foreach (Leg leg in legs.Legs)
        {
            if (leg.State is LegState.Copying or LegState.MayDiffer && leg.Lacks.Count == 0)
                copied |= leg.Bit;
        }
        Debug.Assert((copied & legs.Source.Bit) == 0, "The source is in sync by definition.");
        return copied;
    }

    private long CountLacking()
    {
        long most = 0;
        foreach (Leg leg in legs.Legs)
        {
            if (leg.IsInSet)
                most = Math.Max(most, leg.Lacks.Count);
        }
        return most;
    }
}
