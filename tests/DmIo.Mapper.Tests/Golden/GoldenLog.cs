using System.Globalization;

namespace DmIo.Mapper.Tests;

/// <summary>A dirty log as a real kernel wrote it (Golden/logs.txt).</summary>
public sealed record GoldenLog(string Name, long Regions, long[] Dirty, byte[] Header, byte[] Bitmap)
{
    /// <summary>How many there are, so that a file that is read wrongly is no empty success.</summary>
    public const int Count = 30;

    public static GoldenLog[] All() => [.. GoldenFile.Lines("logs.txt").Select(Parse)];

    public static GoldenLog Of(string name) => All().Single(log => log.Name == name);

    /// <summary>The bytes of a log device of this length.</summary>
    public byte[] Device(int length)
    {
        var device = new byte[length];
        Header.CopyTo(device, 0);
        Bitmap.CopyTo(device, 1024);
        return device;
    }

    /// <summary>The image of a mirror of so many regions that has read this log.</summary>
    internal LogImage Read(long? regions = null, int blockBytes = 512)
    {
        var image = new LogImage(regions ?? Regions, blockBytes);
        Device(Math.Max(image.Bytes.Length, 4096)).AsSpan(0, image.Bytes.Length).CopyTo(image.Bytes);
        return image;
    }

    public override string ToString() => Name;

    private static GoldenLog Parse(string line)
    {
        string[] parts = [.. line.Split('|').Select(part => part.Trim())];
        return new GoldenLog(
            parts[0], long.Parse(parts[1]), [.. RegionsOf(parts[2])], [.. BytesOf(parts[3])], [.. BytesOf(parts[4])]);
    }

    private static IEnumerable<long> RegionsOf(string text)
    {
        foreach (string range in text == "none" ? [] : text.Split(','))
        {
            string[] ends = range.Split('-');
            for (long region = long.Parse(ends[0]); region <= long.Parse(ends[^1]); region++)
                yield return region;
        }
    }

    private static IEnumerable<byte> BytesOf(string text)
    {
        foreach (string word in text.Split(' '))
        {
            string[] parts = word.Split('*');
            byte value = byte.Parse(parts[^1], NumberStyles.HexNumber);
            for (int i = parts.Length == 1 ? 1 : int.Parse(parts[0]); i > 0; i--)
                yield return value;
        }
    }
}
