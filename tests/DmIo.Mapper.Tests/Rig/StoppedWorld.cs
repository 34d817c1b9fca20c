namespace DmIo.Mapper.Tests;

/// <summary>What is left of a mirror when the world stops: devices, state file, and what had been acknowledged.</summary>
/// <param name="Legs">The legs' bytes.</param>
/// <param name="Log">The log device's bytes, with all that was written.</param>
/// <param name="Unflushed">What of it a power cut may lose.</param>
/// <param name="UnflushedLegs">What of each leg a power cut may lose.</param>
/// <param name="StateFile">The state file, if there is one.</param>
/// <param name="Allowed">For each region the contents that it may have.</param>
internal sealed record StoppedWorld(
    byte[][] Legs, byte[] Log, UnflushedWrite[] Unflushed, UnflushedWrite[][] UnflushedLegs, string? StateFile, byte[][][] Allowed)
{
    /// <summary>What a power cut may leave of the log: all, nothing of what was not flushed, all but one, only one.</summary>
    public IEnumerable<byte[]> Logs()
    {
        yield return Log;
        if (Unflushed.Length == 0)
            yield break;
        yield return With(_ => false);
        if (Unflushed.Length == 1)
            yield break;
        for (int i = 0; i < Unflushed.Length; i++)
        {
            int one = i;
            yield return With(index => index == one);
            yield return With(index => index != one);
        }
    }

    /// <summary>What a power cut may leave of the legs: all, or one of them without what it had not flushed.</summary>
    public IEnumerable<(byte[][] Legs, bool IsWhole)> LegContents()
    {
        yield return (Legs, true);
        for (int i = 0; i < Legs.Length; i++)
        {
            if (UnflushedLegs[i].Length == 0)
                continue;
            byte[][] legs = [.. Legs];
            legs[i] = [.. Legs[i]];
            for (int write = UnflushedLegs[i].Length - 1; write >= 0; write--)
                UnflushedLegs[i][write].Before.CopyTo(legs[i], UnflushedLegs[i][write].Start.Bytes);
            yield return (legs, false);
        }
    }

    private byte[] With(Func<int, bool> survives)
    {
        byte[] log = [.. Log];
        for (int i = Unflushed.Length - 1; i >= 0; i--)
            Unflushed[i].Before.CopyTo(log, Unflushed[i].Start.Bytes);
        for (int i = 0; i < Unflushed.Length; i++)
        {
            if (survives(i))
                Unflushed[i].After.CopyTo(log, Unflushed[i].Start.Bytes);
        }
        return log;
    }
}
