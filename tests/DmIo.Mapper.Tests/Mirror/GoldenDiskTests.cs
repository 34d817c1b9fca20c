using DmIo.Testing;

namespace DmIo.Mapper.Tests;

/// <summary>
/// The table of dm-semantics B.11, played through the engine with a disk log of 32 regions, with recovery, repair and lazy
/// cleaning off: <c>handle_errors keep_log</c> unless the row says otherwise.
/// </summary>
public sealed class GoldenDiskTests
{
    private static readonly Row[] s_rows =
    [
        new("secondary write error r4", rig => Fail(rig, 1, 4), "31/32 1 AD", 'A', "EF FF FF FF", 1),
        new("+ write r6", rig => Fail(rig, 1, 4, 6), "30/32 1 AD", 'A', "AF FF FF FF", 1),
        new("primary write error r4, then r5", rig => Fail(rig, 0, 4, 5), "30/32 1 DA", 'A', "CF FF FF FF", 1),
        new("primary read error", ReadError, "32/32 1 RA", 'A', "FF FF FF FF", 1),
        new("caller fsync fails on secondary", Flush, "32/32 1 AD", 'A', "FF FF FF FF", 1),
    ];

    // Ours differs from the kernel in these; the reason stands behind each.
    private static readonly Row[] s_differing =
    [
        new(
            "secondary write error r4, handle_errors", rig => Fail(rig, 1, 4), "31/32 1 AD", 'A', "EF FF FF FF", 1,
            "the kernel holds the write: ours is a success, since it is recorded which leg lacks it",
            " 1 handle_errors"),
        new(
            "secondary write error r4, no features", rig => Fail(rig, 1, 4), "31/32 1 AD", 'A', "EF FF FF FF", 1,
            "the kernel raises no event", ""),
        new(
            "leg back, no reload, write r7", BackAgain, "29/32 1 AD", 'A', "2F FF FF FF", 1,
            "the kernel goes on writing to a leg that lacks data, 30/32 and AF: ours leaves it alone until it returns"),
        new(
            "both legs dead, write/read r3", BothDead, "31/32 1 FF", 'A', "F7 FF FF FF", 6,
            "the kernel shows DD and flushes nothing: ours flushes before it lets go of a region, which fails too"),
        new(
            "log dead, write", LogDead, "32/32 1 AA", 'D', "FF FF FF FF", 1,
            "the kernel answers EIO: ours goes on while all legs are good, and the state file says so"),
        new(
            "log dead, write, then stop and start", LogDeadRestart, "0/32 1 AA", 'A', "00 00 00 00", 0,
            "the kernel answers EIO after the suspend; the full resync is the same"),
        new(
            "caller fsync fails on secondary, then a write that also fails there", FlushAndWrite, "31/32 1 AD", 'A',
            "F7 FF FF FF", 1, "the kernel forgets the first failure in between and raises two events"),
    ];

    private static IEnumerable<string> Rows => s_rows.Select(row => row.Name);

    private static IEnumerable<string> DifferingRows => s_differing.Select(row => row.Name);

    // Goal: status, log and answers are the kernel's.
    [TestCaseSource(nameof(Rows))]
    public void As_the_kernel(string name) => Play(s_rows.Single(row => row.Name == name));

    // Goal: where ours differs, it does so on purpose.
    [TestCaseSource(nameof(DifferingRows))]
    public void Otherwise_than_the_kernel(string name)
    {
        Row row = s_differing.Single(row => row.Name == name);
        Assert.That(row.Why, Is.Not.Empty);
        Play(row);
    }

    private static void Play(Row row)
    {
        MirrorRig rig = new MirrorRig(log: MirrorRig.DiskLog, features: row.Features)
            .With(options => options with { AssumeClean = true }).WithMirror(_ => MirrorRig.AsTheKernel).Start();
        row.Does(rig);
        Assert.That(rig.Status, Is.EqualTo($"0 32768 mirror 2 leg0 leg1 {row.Status} 3 disk log {row.Letter}"));
        string bits = BitConverter.ToString(rig.LogDevice!.Contents().Slice(1024, 4).ToArray()).Replace('-', ' ');
        Assert.That(bits, Is.EqualTo(row.Bits));
        Assert.That(rig.Device.EventNumber, Is.EqualTo(row.Events));
    }

    private static void Fail(MirrorRig rig, int leg, params long[] regions)
    {
        rig.Legs[leg].FailAll(Errno.EIO, BlockOperation.Write);
        foreach (long region in regions)
            Write(rig, region, Errno.None);
        Assert.That(rig.Read(regions[0] * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 1)));
    }

    private static void BackAgain(MirrorRig rig)
    {
        Fail(rig, 1, 4, 6);
        rig.Legs[1].Heal();
        Write(rig, 7, Errno.None);
    }

    private static void ReadError(MirrorRig rig)
    {
        Write(rig, 3, Errno.None);
        rig.Legs[0].FailAll(Errno.EIO, BlockOperation.Read);
        Assert.That(rig.Read(3 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 1)));
    }

    private static void BothDead(MirrorRig rig)
    {
        rig.Legs.ForEach(leg => leg.FailAll());
        Write(rig, 3, Errno.EIO);
        Assert.That(rig.Read(3 * 1024).Error, Is.EqualTo(Errno.EIO));
    }

    private static void LogDead(MirrorRig rig)
    {
        rig.LogDevice!.FailAll();
        Write(rig, 3, Errno.None);
        Assert.That(rig.Read(3 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 1)));
        Assert.That(rig.Store.State.LogLost);
    }

    private static void LogDeadRestart(MirrorRig rig)
    {
        LogDead(rig);
        rig.Stop();
        rig.LogDevice!.Heal();
        rig.With(options => options with { AssumeClean = false }).Start();
    }

    private static void Flush(MirrorRig rig)
    {
        rig.Legs[1].FailAll();
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.None));
    }

    private static void FlushAndWrite(MirrorRig rig)
    {
        Flush(rig);
        Write(rig, 3, Errno.None);
    }

    private static void Write(MirrorRig rig, long region, Errno answer) =>
        Assert.That(rig.Write(region * 1024), Is.EqualTo(answer));

    private sealed record Row(
        string Name, Action<MirrorRig> Does, string Status, char Letter, string Bits, long Events, string Why = "",
        string Features = " 2 handle_errors keep_log");
}
