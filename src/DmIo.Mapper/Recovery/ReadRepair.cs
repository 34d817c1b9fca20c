namespace DmIo.Mapper;

/// <summary>
/// Mends what one leg could not read: the range is rewritten from another leg and read back. A leg that cannot be mended,
/// or that errs too often, leaves the set.
/// </summary>
internal sealed class ReadRepair(
    MirrorTarget mirror, MappedDevice host, LegSet legs, LegWriter writer, BufferPool buffers, MirrorOptions options)
{
    // A range of a read that failed is mended in pieces of this. Arbitrary: small, as what cannot be read mostly is.
    private const int PieceBytes = 64 << 10;

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
        bool mended = false;
        try
        {
            long first = legs.RegionOf(start);
            long last = legs.LastOf(start, count);
            if (leg.IsInSet && await mirror.EnterRegionsAsync(first, last))
            {
                try
                {
                    mended = await RewriteAsync(leg, start, count);
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
        if (mended)
        {
            leg.Unreadable.Remove(start, count);
            MapperLog.Repaired(host.Logger, host.Name, leg.Index, leg.Place.Argument, leg.Offset + start, count.Count);
            host.Raise(
                mirror, VolumeEventKind.ReadRepaired,
                new EventDetails
                {
                    Leg = leg.Index,
                    Device = leg.Place.Argument,
                    Sector = (leg.Offset + start).Count,
                    Region = legs.RegionOf(start),
                    Count = count.Count,
                });
        }
        else if (legs.Forgetful != 0)
        {
            // Whom it would be mended from has just failed a flush: the next read that fails asks for it again.
            leg.Unreadable.Remove(start, count);
        }
        else if (leg.IsInSet)
        {
            mirror.GiveUpUnreadable(leg, start, count);
        }
    }

    private async Task<bool> RewriteAsync(Leg leg, Sectors start, Sectors count)
    {
        LentBuffer? good = LentBuffer.TryRent(buffers, PieceBytes);
        LentBuffer? back = LentBuffer.TryRent(buffers, PieceBytes);
        try
        {
            // All of them are pinned by legs that hang: that is no reason to give up another.
            if (good is null || back is null)
                return true;
            long step = Sectors.FromBytes(PieceBytes).Count;
            for (long done = 0; done < count.Count; done += step)
            {
                Sectors length = new(Math.Min(step, count.Count - done));
                if (!await RewritePieceAsync(leg, start + new Sectors(done), length, good, back))
                    return false;
            }
            return true;
        }
        finally
        {
            good?.Release();
            back?.Release();
        }
    }

    private async Task<bool> RewritePieceAsync(
        Leg leg, Sectors start, Sectors count, LentBuffer good, LentBuffer back)
    {
        long first = legs.RegionOf(start);
        long last = legs.LastOf(start, count);
        int bytes = (int)count.Bytes;
        ulong tried = leg.Bit;
        while (!good.IsPinned && legs.HolderBut(tried, first, last) is { } other)
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
