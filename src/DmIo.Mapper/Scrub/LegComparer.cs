using System.Numerics;

namespace DmIo.Mapper;

/// <summary>Compares what several legs have at the same place. Pure: it does no I/O.</summary>
internal static class LegComparer
{
    /// <summary>Finds where legs differ, block by block.</summary>
    /// <param name="buffers">What was read, by leg.</param>
    /// <param name="legs">Bits of the legs to compare.</param>
    /// <param name="start">Where it was read, on the mirror.</param>
    /// <param name="bytes">How much.</param>
    /// <param name="blockBytes">What is told apart; the length is a multiple of it.</param>
    public static List<ComparedRange> Compare(LentBuffer?[] buffers, ulong legs, Sectors start, int bytes, int blockBytes)
    {
        var ranges = new List<ComparedRange>();
        if (AreAlike(buffers, legs, 0, bytes))
            return ranges;
        for (int at = 0; at < bytes; at += blockBytes)
        {
            if (AreAlike(buffers, legs, at, blockBytes))
                continue;
            LegGroups groups = Group(buffers, legs, at, blockBytes);
            Sectors block = start + Sectors.FromBytes(at);
            Sectors count = Sectors.FromBytes(blockBytes);
            if (ranges.Count > 0 && ranges[^1] is var last && last.Groups == groups && last.Start + last.Count == block)
            {
                ranges[^1] = last with { Count = last.Count + count };
                continue;
            }
            int first = FirstDifference(buffers, legs, at, blockBytes);
            ranges.Add(new ComparedRange(block, count, groups, start.Bytes + first, ValuesAt(buffers, legs, first)));
        }
        return ranges;
    }

    private static bool AreAlike(LentBuffer?[] buffers, ulong legs, int at, int bytes)
    {
        ReadOnlySpan<byte> lowest = buffers[BitOperations.TrailingZeroCount(legs)]!.Span.Slice(at, bytes);
        for (ulong rest = legs & (legs - 1); rest != 0; rest &= rest - 1)
        {
            if (!lowest.SequenceEqual(buffers[BitOperations.TrailingZeroCount(rest)]!.Span.Slice(at, bytes)))
                return false;
        }
        return true;
    }

    private static LegGroups Group(LentBuffer?[] buffers, ulong legs, int at, int bytes)
    {
        LegGroups groups = LegGroups.None;
        for (ulong rest = legs; rest != 0; rest &= rest - 1)
        {
            int leg = BitOperations.TrailingZeroCount(rest);
            ReadOnlySpan<byte> mine = buffers[leg]!.Span.Slice(at, bytes);
            int like = leg;
            for (ulong lower = legs & ((1UL << leg) - 1); lower != 0; lower &= lower - 1)
            {
                int other = BitOperations.TrailingZeroCount(lower);
                if (!mine.SequenceEqual(buffers[other]!.Span.Slice(at, bytes)))
                    continue;
                like = other;
                break;
            }
            groups = groups.With(leg, like);
        }
        return groups;
    }

    private static int FirstDifference(LentBuffer?[] buffers, ulong legs, int at, int bytes)
    {
        int first = bytes;
        ReadOnlySpan<byte> lowest = buffers[BitOperations.TrailingZeroCount(legs)]!.Span.Slice(at, bytes);
        for (ulong rest = legs & (legs - 1); rest != 0; rest &= rest - 1)
        {
            ReadOnlySpan<byte> other = buffers[BitOperations.TrailingZeroCount(rest)]!.Span.Slice(at, bytes);
            first = Math.Min(first, lowest.CommonPrefixLength(other));
        }
        return at + first;
    }

    private static byte?[] ValuesAt(LentBuffer?[] buffers, ulong legs, int at)
    {
        var values = new byte?[buffers.Length];
        for (int leg = 0; leg < buffers.Length; leg++)
        {
            if ((legs >> leg & 1) != 0)
                values[leg] = buffers[leg]!.Span[at];
        }
        return values;
    }
}
