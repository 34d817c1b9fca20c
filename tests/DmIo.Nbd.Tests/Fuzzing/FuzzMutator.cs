namespace DmIo.Nbd.Tests;

/// <summary>Makes cases from others: steps left out, doubled, moved, changed in a field; two cases put together.</summary>
internal sealed class FuzzMutator(Random random, FuzzGenerator generator)
{
    private static readonly FuzzField[] s_fields = Enum.GetValues<FuzzField>();

    /// <summary>A case that differs from one in a few places.</summary>
    public FuzzCase Mutate(FuzzCase from, FuzzCase other)
    {
        List<FuzzStep> steps = [.. from.Steps];
        FuzzWorldKind kind = random.Next(12) == 0 ? generator.Kind() : from.Kind;
        for (int n = 1 << random.Next(4); n > 0; n--)
            Change(steps, other);
        if (steps.Count > FuzzCase.MaxSteps)
            steps.RemoveRange(FuzzCase.MaxSteps, steps.Count - FuzzCase.MaxSteps);
        return new FuzzCase(kind, steps);
    }

    private void Change(List<FuzzStep> steps, FuzzCase other)
    {
        if (steps.Count == 0)
        {
            steps.AddRange(other.Steps);
            return;
        }
        int at = random.Next(steps.Count);
        switch (random.Next(11))
        {
            case 0:
                steps.RemoveAt(at);
                break;
            case 1:
                steps.Insert(at, steps[random.Next(steps.Count)]);
                break;
            case 2:
                steps.Insert(random.Next(at, steps.Count + 1), generator.AnyStep(steps[at].Client));
                break;
            case 3:
                int to = random.Next(steps.Count);
                (steps[at], steps[to]) = (steps[to], steps[at]);
                break;
            case 4:
                steps.RemoveRange(at, steps.Count - at);
                steps.AddRange(other.Steps.Skip(random.Next(other.Steps.Count)));
                break;
            case 5:
                steps.InsertRange(at, other.Steps.Skip(random.Next(other.Steps.Count)).Take(random.Next(1, 6)));
                break;
            case 6:
                steps[at] = steps[at].Copy(random.Next(FuzzStep.MaxClients));
                break;
            default:
                steps[at] = ChangeField(steps[at].Copy());
                break;
        }
    }

    private FuzzStep ChangeField(FuzzStep step)
    {
        if (step.Data.Length > 0 && random.Next(2) == 0)
        {
            step.Data = ChangeBytes(step.Data);
            return step;
        }
        FuzzField field = s_fields[random.Next(s_fields.Length)];
        step[field] = random.Next(5) switch
        {
            0 => generator.Number(),
            1 => step[field] ^ 1UL << random.Next(64),
            2 => step[field] + (ulong)random.Next(-8, 9),
            3 => step[field] ^ 1UL << random.Next(8),
            _ => (ulong)random.Next(9),
        };
        // Else nearly all of these would only take the rest of the case for a payload.
        if (field == FuzzField.Length && random.Next(4) > 0 && step[FuzzField.Payload] > 0)
            step[FuzzField.Payload] = step[field];
        return step;
    }

    private byte[] ChangeBytes(byte[] data)
    {
        byte[] copy = [.. data];
        int at = random.Next(copy.Length);
        switch (random.Next(4))
        {
            case 0:
                copy[at] ^= (byte)(1 << random.Next(8));
                return copy;
            case 1 when copy.Length >= 4:
                Bytes.U32((uint)generator.Number()).CopyTo(copy, random.Next(copy.Length - 3));
                return copy;
            case 2:
                return [.. copy[..at], .. Bytes.Random(random.Next(1, 9), random.Next()), .. copy[at..]];
            default:
                return [.. copy[..at], .. copy[Math.Min(copy.Length, at + random.Next(1, 9))..]];
        }
    }
}
