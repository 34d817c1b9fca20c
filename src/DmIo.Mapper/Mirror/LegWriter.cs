namespace DmIo.Mapper;

/// <summary>
/// What the mirror does to its legs beside passing requests on: copying, zeroing, flushing. Cold paths.
/// </summary>
internal sealed class LegWriter(IoLoop loop, LegSet legs, BufferPool buffers) : IAsyncDisposable
{
    // A page of zeroes, written this often in one request. Arbitrary: 1 MiB at once.
    private const int ZeroBytes = 64 << 10;
    private const int ZeroRepeats = 16;

    // A pool of its own, so that the copy never waits for clients' requests, nor they for it.
    private readonly IoClient _client = new(loop, MirrorRecovery.Workers * 2);
    private readonly IoRegion[] _regions = new IoRegion[legs.Legs.Length];
    private IoSegment[]? _zeroes;

    /// <summary>Flushes legs.</summary>
    public Task<LegFailures> FlushAsync(ulong asked) =>
        RunAsync(asked, BlockOperation.Flush, BlockFlags.None, Sectors.Zero, Sectors.Zero, IoMemory.None);

    /// <summary>Writes a buffer to the same place of legs.</summary>
    public Task<LegFailures> WriteAsync(ulong asked, Sectors start, IoVector data) =>
        RunAsync(
            asked, BlockOperation.Write, BlockFlags.None, start, Sectors.FromBytes(data.LengthBytes),
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
    public async Task<LegFailures> WriteZeroPagesAsync(ulong asked, Sectors start, Sectors count)
    {
        var failures = new LegFailures();
        IoSegment[] zeroes = Zeroes();
        Sectors step = Sectors.FromBytes((long)ZeroBytes * ZeroRepeats);
        for (Sectors done = Sectors.Zero; done < count && (asked & ~failures.Bits) != 0; done += step)
        {
            Sectors length = Sectors.Min(step, count - done);
            IoVector data = new IoVector(zeroes, zeroes.Length).Slice(0, length.Bytes);
            await RunAsync(
                asked & ~failures.Bits, BlockOperation.Write, BlockFlags.None, start + done, length, IoMemory.FromVector(data),
                failures);
        }
        return failures;
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private Task<LegFailures> RunAsync(
        ulong asked, BlockOperation operation, BlockFlags flags, Sectors start, Sectors count, IoMemory memory) =>
        RunAsync(asked, operation, flags, start, count, memory, new LegFailures());

    private async Task<LegFailures> RunAsync(
        ulong asked, BlockOperation operation, BlockFlags flags, Sectors start, Sectors count, IoMemory memory,
        LegFailures failures)
    {
        if (asked == 0)
            return failures;
        int regions = 0;
        foreach (Leg leg in legs.Legs)
        {
            if ((asked & leg.Bit) != 0)
                _regions[regions++] = new IoRegion(leg.Device, leg.Offset + start, count);
        }
        IoResult result = await _client.ExecuteAsync(operation, flags, _regions.AsSpan(0, regions), memory);
        if (result.IsRefused)
            throw new InvalidOperationException($"dm-io refused a request of the mirror's own: {result.Errno}.");
        failures.Add(asked, result.Outcome);
        return failures;
    }

    private IoSegment[] Zeroes()
    {
        if (_zeroes is not null)
            return _zeroes;
        if (!buffers.TryRent(ZeroBytes, out IoSegment page))
            throw new InvalidOperationException("The mirror's buffers are sized for its copy and a page of zeroes.");
        page.Span.Clear();
        _zeroes = new IoSegment[ZeroRepeats];
        Array.Fill(_zeroes, page);
        return _zeroes;
    }
}
