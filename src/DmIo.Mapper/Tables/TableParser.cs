namespace DmIo.Mapper;

/// <summary>
/// Reads device-mapper tables: <c>start length target arguments</c> per line, <c>#</c> before a comment.
/// </summary>
public static class TableParser
{
    // Arbitrary: far beyond what people write, low enough that a wrong file given as a table ends soon.
    private const int MaxLines = 4096;

    /// <summary>
    /// Reads a table.
    /// </summary>
    /// <param name="text">One or more lines, in any order.</param>
    /// <param name="errors">Gets every mistake that was found.</param>
    /// <returns>The table, or null when there were mistakes.</returns>
    public static Table? Parse(string text, List<TableError> errors)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(errors);
        int before = errors.Count;
        var lines = new List<(int Number, TableLine Line)>();
        int number = 0;
        foreach (string line in text.Split('\n'))
        {
            if (++number > MaxLines)
            {
                errors.Add(new TableError(
                    number, "", $"Too many lines: a table has at most {MaxLines}; give a table here"));
                return null;
            }
            IReadOnlyList<string> words = TableWords.Split(line);
            if (words.Count > 0 && ParseLine(new TableArguments(words, number, errors)) is { } parsed)
                lines.Add((number, parsed));
        }
        if (errors.Count > before)
            return null;
        if (lines.Count == 0)
        {
            errors.Add(new TableError(1, "", "The table has no line; write one like '0 2097152 linear /path 0'"));
            return null;
        }
        lines.Sort((a, b) => a.Line.Start.CompareTo(b.Line.Start));
        CheckCover(lines, errors);
        CheckTwice(lines, errors);
        CheckOthers(lines, errors);
        return errors.Count > before ? null : new Table([.. lines.Select(entry => entry.Line)]);
    }

    private static TableLine? ParseLine(TableArguments arguments)
    {
        const string form = "; a line reads 'start length target arguments', in 512-byte sectors";
        if (!arguments.TryTakeSectors("Invalid start sector" + form, out Sectors start)
            || !arguments.TryTakeSectors("Invalid length" + form, out Sectors length))
        {
            return null;
        }
        if (length == Sectors.Zero)
            arguments.Fail("0", "zero-length target; the length is a number of 512-byte sectors from 1 on");
        if (!arguments.TryTake(out string target))
        {
            arguments.Fail("", $"The target is missing; name one after the length: {TargetParsers.Known}");
            return null;
        }
        TargetSpec? spec = TargetParsers.Parse(target, arguments, length);
        return spec is null || arguments.Failed ? null : new TableLine(start, length, spec);
    }

    private static void CheckCover(List<(int Number, TableLine Line)> lines, List<TableError> errors)
    {
        Sectors end = Sectors.Zero;
        foreach ((int number, TableLine line) in lines)
        {
            if (line.Start > end)
            {
                errors.Add(new TableError(
                    number, line.Start.ToString(), $"Gap in table: sectors {end} to {line.Start - new Sectors(1)} have "
                    + "no line; the first line starts at 0, each later one where the one before ends"));
            }
            else if (line.Start < end)
            {
                errors.Add(new TableError(
                    number, line.Start.ToString(),
                    $"Overlap in table: the line before ends at sector {end}; start there"));
            }
            end = Sectors.Max(end, line.End);
        }
    }

    // Two paths of one file are found when the file is opened a second time; the same words are found here already.
    private static void CheckTwice(List<(int Number, TableLine Line)> lines, List<TableError> errors)
    {
        var uses = new List<(DeviceArgument Use, Sectors Length)>();
        foreach ((int number, TableLine line) in lines)
        {
            Sectors used = line.Target.LengthOnDevice(line.Length);
            foreach (DeviceArgument use in line.Target.Devices)
            {
                foreach ((DeviceArgument other, Sectors length) in uses)
                {
                    bool overlaps = other.Offset < use.Offset + used && use.Offset < other.Offset + length;
                    if (other.Device != use.Device || !overlaps)
                        continue;
                    errors.Add(new TableError(
                        number, use.Device, $"{use.Device} is used twice in the same place (sectors {use.Offset} and "
                        + $"{other.Offset} on); each leg needs a place of its own: name another device or offset"));
                    break;
                }
                uses.Add((use, used));
            }
        }
    }

    // A log takes its whole device, at whatever sector another use begins.
    private static void CheckOthers(List<(int Number, TableLine Line)> lines, List<TableError> errors)
    {
        var legs = lines.SelectMany(entry => entry.Line.Target.Devices).Select(leg => leg.Device).ToHashSet();
        var others = new Dictionary<string, string>();
        foreach ((int number, TableLine line) in lines)
        {
            foreach (string device in line.Target.OtherDevices)
            {
                if (others.TryAdd(device, line.Target.Name) && !legs.Contains(device))
                    continue;
                string what = !legs.Contains(device) ? $"as another {others[device]} log"
                    : line.Target is MirrorSpec ? "as a leg"
                    : "for data";
                errors.Add(new TableError(
                    number, device,
                    $"{device} is used as the log and {what} too; the log takes a whole device: name another for it"));
            }
        }
    }
}
