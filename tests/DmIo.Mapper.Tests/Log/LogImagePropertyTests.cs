using FsCheck;
using FsCheck.Fluent;

namespace DmIo.Mapper.Tests;

public sealed class LogImagePropertyTests
{
    // Few enough for every build.
    private const int Runs = 300;

    // Goal: whatever is done in whatever order, the image is a set of regions, its counts are right, what is neither
    // header nor bitmap stays as it was found, and a device on which each taken block is written holds the same bytes.
    [Test]
    public void It_is_a_set_of_regions_and_its_changed_blocks_are_all_that_changed()
    {
        Gen<int[]> numbers = Gen.Choose(0, int.MaxValue - 1).ArrayOf();
        var arbitrary = Arb.From(numbers, steps => ArbMap.Default.ArbFor<int[]>().Shrinker(steps)
            .Where(shrunk => Array.TrueForAll(shrunk, step => step >= 0)));
        // A failure prints the seed and the shrunk steps.
        Prop.ForAll(arbitrary, Holds).Check(Config.QuickThrowOnFailure.WithMaxTest(Runs).WithEndSize(200));
    }

    private static bool Holds(int[] steps)
    {
        var random = new Random(steps.Length > 0 ? steps[0] : 0);
        int regions = random.Next(1, 20_000);
        int blockBytes = random.Next(2) == 0 ? 512 : 4096;
        var image = new LogImage(regions, blockBytes);
        random.NextBytes(image.Bytes);
        byte[] device = [.. image.Bytes];
        int bitmapEnd = 1024 + (regions + 63) / 64 * 8;
        byte[] found = [.. image.Bytes];
        var clean = new bool[regions];
        image.Activate(MirrorSync.Sync);
        foreach (int step in steps.Skip(1))
        {
            int region = step / 8 % regions;
            switch (step % 8)
            {
                case 0 or 1 or 2:
                    Expect(image.SetClean(region) != clean[region]);
                    clean[region] = true;
                    break;
                case 3 or 4:
                    Expect(image.SetDirty(region) == clean[region]);
                    clean[region] = false;
                    break;
                case 5:
                    Write(image, device, blockBytes);
                    break;
                case 6:
                    image.Version = image.Version == 1 ? 2u : 1u;
                    break;
                default:
                    Activate(image, clean, region);
                    break;
            }
            Expect(image.CleanCount == clean.LongCount(bit => bit));
            Expect(image.NextDirty(region) == Array.IndexOf(clean, false, region));
        }
        for (int region = 0; region < regions; region++)
            Expect(image.IsClean(region) == clean[region]);
        for (long padding = regions; padding < (bitmapEnd - 1024) * 8L; padding++)
            Expect((image.Bytes[1024 + padding / 8] >> (int)(padding % 8) & 1) == 0);
        Write(image, device, blockBytes);
        Expect(device.AsSpan().SequenceEqual(image.Bytes));
        Expect(found.AsSpan(16, 1008).SequenceEqual(image.Bytes.AsSpan(16, 1008)));
        Expect(found.AsSpan(bitmapEnd).SequenceEqual(image.Bytes.AsSpan(bitmapEnd)));
        return true;
    }

    // As a smaller or larger mirror left it, or as lvm did, or as it was.
    private static void Activate(LogImage image, bool[] clean, int region)
    {
        switch (region % 5)
        {
            case 0:
                image.RecordedRegions = (ulong)region;
                Array.Fill(clean, false, region, clean.Length - region);
                break;
            case 1:
                image.RecordedRegions = (ulong)clean.Length + (ulong)region;
                break;
            case 2:
                image.RecordedRegions = LogImage.AnyRegions;
                break;
            case 3 when region % 2 == 0:
                Array.Fill(clean, true);
                image.Activate(MirrorSync.NoSync);
                return;
        }
        Expect(image.Activate(MirrorSync.Unsaid).Kind != LogActivationKind.New);
    }

    private static void Write(LogImage image, byte[] device, int blockBytes)
    {
        var runs = new List<(int FirstBlock, int Count)>();
        image.TryTakeChangedBlocks(runs);
        int end = -1;
        foreach ((int first, int count) in runs)
        {
            Expect(first > end && count > 0);
            end = first + count;
            image.Bytes.AsSpan(first * blockBytes, count * blockBytes).CopyTo(device.AsSpan(first * blockBytes));
        }
    }

    private static void Expect(bool isSo) => Assert.That(isSo);
}
