using System.Runtime.InteropServices;

namespace DmIo.Mapper.Tests;

/// <summary>
/// What may be read at each sector: what was acknowledged last, or what was asked for since and not acknowledged. A
/// value fills its sector; zero is what zeroing leaves.
/// </summary>
internal sealed class SectorModel
{
    private readonly List<(long Order, long Value)>[] _allowed;
    private readonly List<(long Order, long Value)>[] _history;
    private long _order;

    public SectorModel(long sectors)
    {
        _allowed = new List<(long, long)>[sectors];
        _history = new List<(long, long)>[sectors];
        for (long i = 0; i < sectors; i++)
        {
            _allowed[i] = [(0, 0)];
            _history[i] = [];
        }
    }

    public long Now => _order;

    /// <summary>A change is submitted.</summary>
    public long Submitted(long start, long count, bool zeroes)
    {
        long order = ++_order;
        for (long i = start; i < start + count; i++)
        {
            _allowed[i].Add((order, zeroes ? 0 : order));
            _history[i].Add((order, zeroes ? 0 : order));
        }
        return order;
    }

    /// <summary>A change succeeded: what came before it is gone, what came later may be there already.</summary>
    public void Acknowledged(long start, long count, long order)
    {
        for (long i = start; i < start + count; i++)
            _allowed[i].RemoveAll(entry => entry.Order < order);
    }

    /// <summary>What may be read now.</summary>
    public (long Order, long Value)[][] Allowed(long start, long count) =>
        [.. _allowed.AsSpan((int)start, (int)count).ToArray().Select(list => list.ToArray())];

    /// <summary>
    /// Finds the first sector that holds what it may not, given what was allowed when the read was submitted.
    /// </summary>
    public string? Check(ReadOnlySpan<byte> data, long start, (long Order, long Value)[][] allowed, long submittedAt)
    {
        for (int i = 0; i < allowed.Length; i++)
        {
            ReadOnlySpan<long> words = MemoryMarshal.Cast<byte, long>(data.Slice(i * 512, 512));
            long value = words[0];
            bool whole = words.IndexOfAnyExcept(value) < 0;
            bool known = allowed[i].Any(entry => entry.Value == value)
                || _history[start + i].Any(entry => entry.Order > submittedAt && entry.Value == value);
            if (!whole || !known)
            {
                string more = whole ? "" : " and more";
                return $"sector {start + i} holds {value}{more}, allowed {string.Join(' ', allowed[i])}";
            }
        }
        return null;
    }
}
