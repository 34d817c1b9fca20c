namespace DmIo.Daemon.Configuration;

/// <summary>Finds the name that was probably meant.</summary>
internal static class NearestName
{
    /// <summary>A hint such as "; did you mean 'exports'?", or the names there are when none is near.</summary>
    public static string Hint(string name, IReadOnlyCollection<string> known)
    {
        string? best = null;
        int bestDistance = int.MaxValue;
        foreach (string candidate in known)
        {
            int distance = Distance(name.ToUpperInvariant(), candidate.ToUpperInvariant());
            if (distance < bestDistance)
                (best, bestDistance) = (candidate, distance);
        }
        if (best is null)
            return "";
        return bestDistance <= Math.Max(1, best.Length / 3) && bestDistance < name.Length
            ? $"; did you mean '{best}'?"
            : $"; known here: {string.Join(", ", known)}";
    }

    /// <summary>How many letters must be changed, added or left out to make one name of the other.</summary>
    public static int Distance(string a, string b)
    {
        int[] row = new int[b.Length + 1];
        for (int j = 0; j <= b.Length; j++)
            row[j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.Length];
    }
}
