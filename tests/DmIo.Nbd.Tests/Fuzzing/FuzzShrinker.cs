namespace DmIo.Nbd.Tests;

/// <summary>Makes a case that fails smaller, as long as it fails.</summary>
internal static class FuzzShrinker
{
    /// <summary>Leaves out steps, then zeroes fields and shortens data.</summary>
    /// <param name="failing">The case.</param>
    /// <param name="failure">How it failed.</param>
    /// <param name="bound">For how long to try.</param>
    /// <returns>A case that failed, and how.</returns>
    public static (FuzzCase Case, string Failure) Shrink(FuzzCase failing, string failure, TimeSpan bound)
    {
        long start = TimeProvider.System.GetTimestamp();
        bool changed = true;
        while (changed)
        {
            changed = false;
            foreach (FuzzCase smaller in Smaller(failing))
            {
                if (TimeProvider.System.GetElapsedTime(start) > bound)
                    return (failing, failure);
                if (Fails(smaller) is not { } how)
                    continue;
                (failing, failure) = (smaller, how);
                changed = true;
                break;
            }
        }
        return (failing, failure);
    }

    /// <summary>Runs a case in a world of its own.</summary>
    /// <returns>What is wrong; null when nothing is.</returns>
    public static string? Fails(FuzzCase what)
    {
        var world = new FuzzWorld(what.Kind);
        try
        {
            FuzzRun.Run(world, what, new HashSet<uint>());
            world.Dispose();
            return null;
        }
        catch (FuzzFailureException e)
        {
            // What is left of the world may hang: it is left alone.
            return e.Message;
        }
    }

    private static IEnumerable<FuzzCase> Smaller(FuzzCase whole)
    {
        for (int size = whole.Steps.Count / 2; size > 0; size /= 2)
        {
            for (int at = 0; at + size <= whole.Steps.Count; at += size)
                yield return whole with { Steps = [.. whole.Steps.Take(at), .. whole.Steps.Skip(at + size)] };
        }
        for (int at = 0; at < whole.Steps.Count; at++)
        {
            foreach (FuzzStep simpler in Simpler(whole.Steps[at]))
                yield return whole with { Steps = [.. whole.Steps.Take(at), simpler, .. whole.Steps.Skip(at + 1)] };
        }
    }

    private static IEnumerable<FuzzStep> Simpler(FuzzStep whole)
    {
        foreach (FuzzField field in Enum.GetValues<FuzzField>())
        {
            if (whole[field] == 0)
                continue;
            FuzzStep copy = whole.Copy();
            copy[field] = 0;
            yield return copy;
        }
        if (whole.Data.Length > 0)
        {
            FuzzStep copy = whole.Copy();
            copy.Data = whole.Data[..(whole.Data.Length / 2)];
            yield return copy;
        }
    }
}
