using FsCheck;
using FsCheck.Fluent;

namespace DmIo.Nbd.Tests;

/// <summary>
/// Checks properties. What fails is told with the smallest case that fails and FsCheck's replay, such as
/// <c>(12345,67890)</c>: DMIO_REPLAY=12345,67890 with the same test does the same again.
/// </summary>
internal static class PropertyCheck
{
    // Few enough for every build.
    private const int Runs = 500;

    /// <summary>Numbers of any size, most of them where something ends.</summary>
    public static Gen<ulong> Numbers { get; } = Gen.Frequency(
        (1, ArbMap.Default.GeneratorFor<ulong>()),
        (3, from shift in Gen.Choose(0, 64)
            from around in Gen.Choose(-2, 2)
            select (shift == 64 ? 0 : 1UL << shift) + (ulong)around));

    public static Gen<byte[]> AnyBytes { get; } = ArbMap.Default.GeneratorFor<byte[]>();

    /// <summary>Names and queries: any text without NUL, of any length up to the longest.</summary>
    public static Gen<string> Texts { get; } = Gen.Frequency(
        (8, from letters in Gen.Elements("base:allocation", "x-dmio:", "a", "ä", "€", "🙂", " ", "\u0001").ArrayOf()
            select string.Concat(letters)),
        (1, from length in Gen.Choose(1000, 1024)
            select string.Concat(Enumerable.Repeat("🙂", length))));

    public static void Check<T>(Gen<T> cases, Action<T> holds, int runs = Runs) =>
        Check(Arb.From(cases), holds, runs);

    public static void Check<T>(Arbitrary<T> cases, Action<T> holds, int runs = Runs)
    {
        Config config = Config.QuickThrowOnFailure.WithMaxTest(runs);
        if (Environment.GetEnvironmentVariable("DMIO_REPLAY") is { } replay)
        {
            string[] seed = replay.Split(',');
            config = config.WithReplay(ulong.Parse(seed[0]), ulong.Parse(seed[1]));
        }
        Prop.ForAll(cases, holds).Check(config);
    }
}
