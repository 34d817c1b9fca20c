using System.Globalization;

namespace DmIo.Mapper;

/// <summary>
/// The words of one table line on their way into a spec: taken in order, each mistake noted with its word.
/// </summary>
internal sealed class TableArguments(IReadOnlyList<string> words, int line, List<TableError> errors)
{
    // Bytes must fit a signed 64-bit number.
    private const long MaxSectors = long.MaxValue >> Sectors.Shift;

    private int _next;

    public int Left => words.Count - _next;

    public bool Failed { get; private set; }

    public bool TryTake(out string word)
    {
        word = Left > 0 ? words[_next] : "";
        if (Left == 0)
            return false;
        _next++;
        return true;
    }

    /// <summary>Takes a sector count, or notes <paramref name="mistake"/> with what was there.</summary>
    public bool TryTakeSectors(string mistake, out Sectors sectors)
    {
        bool there = TryTake(out string word);
        bool isNumber = long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out long count);
        sectors = new Sectors(count);
        return (there && isNumber && count <= MaxSectors) || Fail(word, mistake);
    }

    /// <summary>Takes a small count, or notes <paramref name="mistake"/> with what was there.</summary>
    public bool TryTakeCount(string mistake, int min, int max, out int count)
    {
        bool there = TryTake(out string word);
        bool isNumber = int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out count);
        return (there && isNumber && count >= min && count <= max) || Fail(word, mistake);
    }

    /// <summary>Takes a number, or notes <paramref name="mistake"/> with what was there.</summary>
    public bool TryTakeNumber(string mistake, long min, long max, out long number)
    {
        bool there = TryTake(out string word);
        bool isNumber = long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out number);
        return (there && isNumber && number >= min && number <= max) || Fail(word, mistake);
    }

    /// <summary>Takes a device and where the target begins on it, or notes what is wrong with the sector.</summary>
    public bool TryTakePlace(string mistake, out DeviceArgument place)
    {
        TryTake(out string device);
        bool isGood = TryTakeSectors(mistake, out Sectors offset);
        place = new DeviceArgument(device, offset);
        return isGood;
    }

    /// <summary>Notes a mistake.</summary>
    /// <returns>False, so that a check can end with it.</returns>
    public bool Fail(string argument, string message)
    {
        errors.Add(new TableError(line, argument, message));
        Failed = true;
        return false;
    }
}
