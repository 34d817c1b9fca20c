namespace DmIo.Mapper;

/// <summary>
/// Mends what one leg could not read: it is asked again, and what it still cannot read is rewritten from another leg and
/// read back. A leg that cannot be mended, or that errs too often, leaves the set.
/// </summary>
internal sealed class ReadRepair(
    MirrorTarget mirror, MappedDevice host, LegSet legs, LegWriter writer, BufferPool buffers, MirrorOptions options)
{
    // A range of a read that failed is mended in pieces of this. Arbitrary: small, as what cannot be read mostly is.
    private const int PieceBytes = 64 << 10;

    // What a leg cannot read is looked for in blocks of this, the physical sectors of most disks. What it can read stays as
    // it is: it may be the leg that is right, where the other has changed in silence.
    private const int BlockBytes = 4 << 10;

    // Ranges that are mended at once; more wait. Arbitrary: a disk that errs is slow.
    private const int Workers = 4;

    private static readonly TimeSpan s_halfLife = TimeSpan.FromHours(1);

    private readonly double[] _errors = new double[MirrorSpec.MaxLegs];
    private readonly long[] _countedAt = new long[MirrorSpec.MaxLegs];
    private readonly Queue<(Leg Leg, Sectors Start, Sectors Count)> _waiting = new();
    private readonly List<Task> _working = [];
    private bool _stopping;

    /// <summary>Takes note of a range that a leg could not read, and mends it beside everything else.</summary>
    public void Begin(Leg leg, Sectors start, Sectors count)
    {
        if (_stopping || mirror.IsReadOnly || !options.RepairsReads || !leg.IsInSet || !leg.Unreadable.Add(start, count))
            return;
        if (TooMany(leg))
        {
            mirror.GiveUpUnreadable(leg, start, count);
            return;
        }
        _waiting.Enqueue((leg, start, count));
        Work();
    }

    /// <summary>Forgets the read errors of a leg.</summary>
    public void Forget(Leg leg) => _errors[leg.Index] = 0;

    /// <summary>Begins nothing more, and waits for what is being mended.</summary>
    public async Task StopAsync()
    {
        _stopping = true;
        // One by one: what joins tasks would leave the loop.
        foreach (Task work in _working.ToArray())
            await work;
    }

    /// <summary>Goes on after <see cref="StopAsync"/>.</summary>
    public void Resume()
    {
        _stopping = false;
        if (_waiting.Count > 0)
            Work();
    }

    private void Work()
    {
        _working.RemoveAll(task => task.IsCompleted);
        if (_working.Count < Workers)
            _working.Add(host.Spawn("repairing", WorkAsync));
    }

    private async ValueTask WorkAsync()
    {
        while (!_stopping && _waiting.TryDequeue(out (Leg Leg, Sectors Start, Sectors Count) range))
            await MendAsync(range.Leg, range.Start, range.Count);
    }

    // Halved for every hour that has passed, as md does it.
    private bool TooMany(Leg leg)
    {
        long now = host.Loop.Time.GetTimestamp();
        double hours = host.Loop.Time.GetElapsedTime(_countedAt[leg.Index], now) / s_halfLife;
        _errors[leg.Index] = _errors[leg.Index] * Math.Pow(0.5, hours) + 1;
        _countedAt[leg.Index] = now;
        return _errors[leg.Index] > options.ReadErrorLimit;
    }

    private async ValueTask MendAsync(Leg leg, Sectors start, Sectors count)
    {
        var turn = new AwaitedTurn();
        bool takesTurn = !mirror.HasFault(EngineFaults.NoTurnsInRepair);
        if (takesTurn)
            await turn.EnterAsync(host.Turns, mirror.Begin + start, count);
        var rewritten = new RewrittenSectors();
        var outcome = MendOutcome.Failed;
        try
        {
            long first = legs.RegionOf(start);
            long last = legs.LastOf(start, count);
            if (leg.IsInSet && await mirror.EnterRegionsAsync(first, last))
            {
                try
                {
                    outcome = await RewriteAsync(leg, start, count, rewritten);
                }
                finally
                {
                    mirror.LeaveRegions(first, last);
                }
            }
        }
        finally
        {
            if (takesTurn)
                host.Turns.Leave(turn);
        }
        // Whom it would be mended from has just failed a flush: that is put off too.
        if (outcome == MendOutcome.Failed && legs.Forgetful == 0)
        {
            if (leg.IsInSet)
                mirror.GiveUpUnreadable(leg, start, count);
            return;
        }
        // What is put off is asked for by the next read that fails.
        leg.Unreadable.Remove(start, count);
        if (outcome == MendOutcome.Mended)
            Tell(leg, start, count, rewritten);
    }

    private void Tell(Leg leg, Sectors start, Sectors count, RewrittenSectors rewritten)
    {
        if (rewritten.Count == Sectors.Zero)
        {
            MapperLog.ReadAgain(host.Logger, host.Name, leg.Index, leg.Place.Argument, leg.Offset + start, count.Count);
            return;
        }
        Sectors first = leg.Offset + rewritten.First;
        MapperLog.Repaired(host.Logger, host.Name, leg.Index, leg.Place.Argument, first, rewritten.Count.Count);
        host.Raise(
            mirror, VolumeEventKind.ReadRepaired,
            new EventDetails
            {
                Leg = leg.Index,
                Device = leg.Place.Argument,
                Sector = first.Count,
                Region = legs.RegionOf(rewritten.First),
                Count = rewritten.Count.Count,
            });
    }

    private async Task<MendOutcome> RewriteAsync(Leg leg, Sectors start, Sectors count, RewrittenSectors rewritten)
    {
        LentBuffer? good = LentBuffer.TryRent(buffers, PieceBytes);
        LentBuffer? back = LentBuffer.TryRent(buffers, PieceBytes);
        try
        {
            // All of them are pinned by legs that hang: that is no reason to give up another.
            if (good is null || back is null)
                return MendOutcome.PutOff;
            Sectors end = start + count;
            Sectors step = Sectors.FromBytes(PieceBytes);
            for (Sectors at = start; at < end; at += step)
            {
                if (!await MendPieceAsync(leg, at, Sectors.Min(step, end - at), good, back, rewritten))
                    return MendOutcome.Failed;
            }
            return MendOutcome.Mended;
        }
        finally
        {
            good?.Release();
            back?.Release();
        }
    }

    private async Task<bool> MendPieceAsync(
        Leg leg, Sectors start, Sectors count, LentBuffer good, LentBuffer back, RewrittenSectors rewritten)
    {
        // Where holders may differ the client has what another leg holds, so all of it is made like that.
        bool mayDiffer = legs.MayDiffer.ContainsAny(legs.RegionOf(start), legs.LastOf(start, count));
        if (!mayDiffer && await CanReadAsync(leg, start, count, back))
            return true;
        Sectors end = start + count;
        long block = Math.Max(BlockBytes, host.LogicalBlockBytes) >> Sectors.Shift;
        for (Sectors at = start, next; at < end; at = next)
        {
            next = mayDiffer ? end : Sectors.Min(end, at + new Sectors(block - (leg.Offset + at).Count % block));
            if (!mayDiffer && await CanReadAsync(leg, at, next - at, back))
                continue;
            if (!await RewritePieceAsync(leg, at, next - at, good, back))
                return false;
            rewritten.Add(at, next - at);
        }
        return true;
    }

    private async Task<bool> CanReadAsync(Leg leg, Sectors start, Sectors count, LentBuffer back) =>
        !back.IsPinned && back.Used(await writer.ReadAsync(leg, start, back.First(count.Bytes))).Bits == 0;

    private async Task<bool> RewritePieceAsync(
        Leg leg, Sectors start, Sectors count, LentBuffer good, LentBuffer back)
    {
        long first = legs.RegionOf(start);
        long last = legs.LastOf(start, count);
        int bytes = (int)count.Bytes;
        ulong tried = leg.Bit;
        while (!good.IsPinned && !back.IsPinned && legs.HolderBut(tried, first, last) is { } other)
        {
            tried |= other.Bit;
            if (good.Used(await writer.ReadAsync(other, start, good.First(bytes))).Bits != 0)
                continue;
            return good.Used(await writer.WriteAsync(leg.Bit, start, good.First(bytes))).Bits == 0
                && back.Used(await writer.ReadAsync(leg, start, back.First(bytes))).Bits == 0
                && good.Span[..bytes].SequenceEqual(back.Span[..bytes]);
        }
        return false;
    }
}
