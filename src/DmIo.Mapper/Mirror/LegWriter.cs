namespace DmIo.Mapper;

/// <summary>
/// What the mirror does to its legs beside passing requests on: copying, zeroing, flushing. Cold paths.
/// </summary>
internal sealed class LegWriter(
    IoLoop loop, LegSet legs, TimeSpan deadline, Func<Leg, RegionFailure, bool> mayGiveUp, Action<Leg> landed) : IAsyncDisposable
{
    // A page of zeroes, written this often in one request. Arbitrary: 1 MiB at once.
    private const int ZeroBytes = 64 << 10;
    private const int ZeroRepeats = 16;

    // A pool of its own, so that recovery never waits for clients' requests, nor they for it; what hangs keeps its place.
    private readonly IoClient _client = new(
        loop, (MirrorRecovery.Workers * 2 + MirrorScrub.Workers) * MirrorSpec.MaxLegs);
    private readonly BufferPool _zeroPool = new(BufferPool.MaxBytes);
    private int _hanging;
    private IoSegment[]? _zeroes;

    /// <summary>Flushes legs.</summary>
    public Task<LegFailures> FlushAsync(ulong asked) =>
        RunAsync(asked, BlockOperation.Flush, BlockFlags.None, Sectors.Zero, Sectors.Zero, IoMemory.None);

    /// <summary>Writes a buffer to the same place of legs.</summary>
    public Task<LegFailures> WriteAsync(
        ulong asked, Sectors start, IoVector data, BlockFlags flags = BlockFlags.None) =>
        RunAsync(
            asked, BlockOperation.Write, flags, start, Sectors.FromBytes(data.LengthBytes),
            IoMemory.FromVector(data));

    /// <summary>
    /// Reads from one leg, to write it to others. What a leg returned that failed something else meanwhile is not taken: a
    /// flush that fails makes a system forget what it was to keep.
    /// </summary>
    public async Task<LegFailures> ReadAsync(Leg leg, Sectors start, IoVector data)
    {
        int before = leg.Failures;
        LegFailures failures = await RunAsync(
            leg.Bit, BlockOperation.Read, BlockFlags.None, start, Sectors.FromBytes(data.LengthBytes),
            IoMemory.FromVector(data));
        if (failures.Bits == 0 && (leg.Suspicions > 0 || leg.Failures != before))
            failures.Add(leg.Index, new RegionFailure(BlockOperation.Read, leg.Offset + start, Errno.EAGAIN));
        return failures;
    }

    /// <summary>Makes a range of legs read as zeroes, by the legs' own means where they have some.</summary>
    public async Task<LegFailures> ZeroAsync(ulong asked, Sectors start, Sectors count, BlockFlags flags)
    {
        LegFailures first = await RunAsync(asked, BlockOperation.WriteZeroes, flags, start, count, IoMemory.None);
        return first.Bits == 0 ? first : await WriteZeroPagesAsync(first.Bits, start, count);
    }

    /// <summary>Writes zeroes as data.</summary>
    public async Task<LegFailures> WriteZeroPagesAsync(
        ulong asked, Sectors start, Sectors count, BlockFlags flags = BlockFlags.None)
    {
        var failures = new LegFailures();
        IoSegment[] zeroes = Zeroes();
        Sectors step = Sectors.FromBytes((long)ZeroBytes * ZeroRepeats);
        for (Sectors done = Sectors.Zero; done < count && (asked & ~failures.Bits) != 0; done += step)
        {
            Sectors length = Sectors.Min(step, count - done);
            IoVector data = new IoVector(zeroes, zeroes.Length).Slice(0, length.Bytes);
            await RunAsync(
                asked & ~failures.Bits, BlockOperation.Write, flags, start + done, length, IoMemory.FromVector(data), failures);
        }
        return failures;
    }

    public ValueTask DisposeAsync() => _hanging > 0 ? ValueTask.CompletedTask : _client.DisposeAsync();

    private Task<LegFailures> RunAsync(
        ulong asked, BlockOperation operation, BlockFlags flags, Sectors start, Sectors count, IoMemory memory) =>
        RunAsync(asked, operation, flags, start, count, memory, new LegFailures());

    private async Task<LegFailures> RunAsync(
        ulong asked, BlockOperation operation, BlockFlags flags, Sectors start, Sectors count, IoMemory memory,
        LegFailures failures)
    {
        if (asked == 0)
            return failures;
        var underWay = new List<(Leg Leg, Task<RegionFailure?> Task)>();
        foreach (Leg leg in legs.Legs)
        {
            if ((asked & leg.Bit) == 0)
                continue;
            var request = new LegRequest { Operation = operation, Flags = flags, Memory = memory };
            request.SetRegions([new IoRegion(leg.Device, leg.Offset + start, count)]);
            if (_client.Submit(request) is not Errno.None and var refused)
                throw new InvalidOperationException($"dm-io refused a request of the mirror's own: {refused}.");
            underWay.Add((leg, request.Task));
        }
        foreach ((Leg leg, Task<RegionFailure?> task) in underWay)
        {
            // A change that may still land on a leg of the set is waited for: what it overlaps could not be changed again.
            var late = new RegionFailure(operation, leg.Offset + start, Errno.ETIMEDOUT);
            if (!await EndsInTimeAsync(task) && mayGiveUp(leg, late))
            {
                leg.Meter.Of(operation).Failed();
                failures.Add(leg.Index, late);
                failures.Landing = Task.WhenAll(failures.Landing, LandAsync(leg, task));
                continue;
            }
            if (await task is not { } failure)
            {
                leg.Meter.Of(operation).EndedOwn(count.Bytes);
                continue;
            }
            leg.Meter.Of(operation).Failed();
            failures.Add(leg.Index, failure);
        }
        return failures;
    }

    private async Task<bool> EndsInTimeAsync(Task task)
    {
        if (deadline == TimeSpan.Zero || task.IsCompleted)
        {
            await task;
            return true;
        }
        try
        {
            await task.WaitAsync(deadline, loop.Time);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private async Task LandAsync(Leg leg, Task task)
    {
        leg.Abandoned++;
        _hanging++;
        await task;
        _hanging--;
        landed(leg);
    }

    private IoSegment[] Zeroes()
    {
        if (_zeroes is not null)
            return _zeroes;
        if (!_zeroPool.TryRent(ZeroBytes, out IoSegment page))
            throw new InvalidOperationException("The pool of zeroes has room for one page of them.");
        page.Span.Clear();
        _zeroes = new IoSegment[ZeroRepeats];
        Array.Fill(_zeroes, page);
        return _zeroes;
    }

    // One for each leg, so that one that hangs keeps no other from being told; its continuations run on the loop.
    private sealed class LegRequest : IoRequest
    {
        private readonly TaskCompletionSource<RegionFailure?> _source = new();

        public Task<RegionFailure?> Task => _source.Task;

        protected override void Notify(in IoOutcome outcome) => _source.SetResult(outcome[0]);
    }
}
