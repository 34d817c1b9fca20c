namespace DmIo.Mapper;

/// <summary>
/// Reads a log of writes and does what it says to another device, all of it or up to any point: what the first device held
/// then, if it lost its cache. Everything from any thread.
/// </summary>
public sealed class LogWritesReplay
{
    private readonly BlockDevice _log;
    private readonly int _sectorBytes;
    private IReadOnlyList<LogWritesEntry>? _entries;

    private LogWritesReplay(BlockDevice log, long entryCount, int sectorBytes)
    {
        _log = log;
        EntryCount = entryCount;
        _sectorBytes = sectorBytes;
    }

    /// <summary>How many entries the log has.</summary>
    public long EntryCount { get; }

    /// <summary>Opens a log.</summary>
    /// <param name="log">The device that has it; it stays the caller's.</param>
    /// <exception cref="IOException">It is no log of writes, or cannot be read.</exception>
    public static Task<LogWritesReplay> OpenAsync(BlockDevice log)
    {
        ArgumentNullException.ThrowIfNull(log);
        return log.Loop.InvokeAsync(async () =>
        {
            using var transfer = new LogTransfer(log);
            // Before the first sector has told how long it is.
            int least = Math.Max(Sectors.SizeBytes, log.LogicalBlockBytes);
            if (log.Length.Bytes < least)
                throw new IOException($"{log.Name}: is no log of writes: it is too short");
            Memory<byte> first = await transfer.ReadAsync(Sectors.Zero, least);
            if (LogWritesFormat.ReadSuper(first.Span, out long entries, out int sectorBytes) is { } wrong)
                throw new IOException($"{log.Name}: {wrong}; name the log device of a log-writes target that was stopped");
            if (sectorBytes < log.LogicalBlockBytes)
            {
                throw new IOException(
                    $"{log.Name}: the log has sectors of {sectorBytes} bytes and lies on a device with a logical block size of "
                    + $"{log.LogicalBlockBytes}; copy it to a file");
            }
            return new LogWritesReplay(log, entries, sectorBytes);
        });
    }

    /// <summary>Lists the entries, in their order.</summary>
    /// <exception cref="IOException">The log cannot be read, or is damaged.</exception>
    public Task<IReadOnlyList<LogWritesEntry>> ReadEntriesAsync() => _log.Loop.InvokeAsync(ListAsync);

    /// <summary>Does to a device what the log says, and makes it durable.</summary>
    /// <param name="target">The device, on the log's loop; it stays the caller's.</param>
    /// <param name="range">Which entries.</param>
    /// <returns>How many entries were replayed, flushes and marks among them.</returns>
    /// <exception cref="ArgumentException">There is no such range.</exception>
    /// <exception cref="IOException">Something could not be read or written; nothing behind it was replayed.</exception>
    public Task<long> ReplayAsync(BlockDevice target, LogWritesRange range)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(range);
        return _log.Loop.InvokeAsync(async () =>
        {
            if (target.Loop != _log.Loop)
                throw new ArgumentException("The device lives on another loop than the log.", nameof(target));
            IReadOnlyList<LogWritesEntry> entries = await ListAsync();
            long first = range.FromMark is { } from ? IndexOf(entries, from, 0) + 1 : range.FromEntry;
            long end = range.ToMark is { } to ? IndexOf(entries, to, first) : range.ToEntry ?? entries.Count;
            if (first < 0 || end < first || end > entries.Count)
                throw new ArgumentException($"There are no entries {first} to {end}; the log has {entries.Count}.");
            using var source = new LogTransfer(_log);
            using var onto = new LogTransfer(target);
            for (long i = first; i < end; i++)
                await ReplayAsync(entries[(int)i], source, onto, range.Discards);
            await onto.FlushAsync();
            return end - first;
        });
    }

    private static long IndexOf(IReadOnlyList<LogWritesEntry> entries, string mark, long from)
    {
        for (long i = from; i < entries.Count; i++)
        {
            LogWritesEntry entry = entries[(int)i];
            if ((entry.Flags & LogWritesFlags.Mark) != 0 && entry.Mark == mark)
                return i;
        }
        throw new ArgumentException($"There is no mark '{mark}' behind entry {from}; list the entries to see which there are.");
    }

    private async ValueTask<IReadOnlyList<LogWritesEntry>> ListAsync()
    {
        if (_entries is not null)
            return _entries;
        var entries = new List<LogWritesEntry>();
        using var transfer = new LogTransfer(_log);
        Sectors sector = Sectors.FromBytes(_sectorBytes);
        Sectors at = sector;
        for (long i = 0; i < EntryCount; i++)
        {
            LogWritesEntry? entry = at + sector > _log.Length
                ? null
                : LogWritesFormat.ReadEntry((await transfer.ReadAsync(at, _sectorBytes)).Span, i);
            if (entry is null)
                throw new IOException($"{_log.Name}: entry {i} of {EntryCount}, at sector {at}, is damaged");
            at += sector;
            entries.Add(entry with { DataAt = at });
            if (entry.HasData)
                at += entry.Count;
            if (at > _log.Length)
                throw new IOException($"{_log.Name}: entry {i} of {EntryCount} ends behind the log, at sector {at}; it is damaged");
        }
        return _entries = entries;
    }

    private static async Task ReplayAsync(LogWritesEntry entry, LogTransfer log, LogTransfer target, bool discards)
    {
        if (entry.Start + entry.Count > target.Device.Length)
        {
            throw new IOException(
                $"{target.Device.Name}: entry {entry.Index} of the log ends at sector {entry.Start + entry.Count}, and the device "
                + $"has {target.Device.Length}; take one as long as that which was written");
        }
        Sectors most = Sectors.FromBytes(LogTransfer.MaxBytes);
        for (Sectors done = Sectors.Zero; done < entry.Count;)
        {
            Sectors count = Sectors.Min(most, entry.Count - done);
            if (entry.HasData)
                await target.WriteAsync(entry.Start + done, await log.ReadAsync(entry.DataAt + done, (int)count.Bytes));
            else if (discards)
                await target.WriteZeroesAsync(entry.Start + done, (int)count.Bytes);
            done += count;
        }
    }
}
