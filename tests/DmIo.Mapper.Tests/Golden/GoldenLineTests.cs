using DmIo.Testing;

namespace DmIo.Mapper.Tests;

/// <summary>
/// Every mirror line that was captured of a real kernel, and every table that it took or rejected. The numbers of lines
/// are written down, so that a file that is read wrongly is no empty success.
/// </summary>
public sealed class GoldenLineTests
{
    private const int StatusLines = 55;
    private const int Tables = 35;
    private const int PrintedTables = 20;
    private const int RejectedTables = 23;

    private static readonly Dictionary<string, string> s_numbers = new()
    {
        ["/dev/loop0"] = "7:0",
        ["/dev/loop1"] = "7:1",
        ["/dev/loop2"] = "7:2",
        ["/dev/loop3"] = "7:3",
        ["/dev/nbd3"] = "43:48",
        ["/dev/mapper/slow"] = "253:0",
        ["/dev/mapper/leg0"] = "253:0",
        ["/dev/mapper/leg1"] = "253:1",
        ["/dev/mapper/lg"] = "253:2",
    };

    // Goal: each status line comes out again to the byte from what it says.
    [Test]
    public void Status_lines_are_the_kernels()
    {
        int count = 0;
        foreach (string[] row in GoldenFile.Rows("status-lines.txt"))
        {
            string[] words = row[1].Split(' ');
            string made = $"{words[0]} {words[1]} mirror {MirrorLines.Status(ReadStatus(words[3..]))}";
            Assert.That(made, Is.EqualTo(row[1]), row[0]);
            count++;
        }
        Assert.That(count, Is.EqualTo(StatusLines));
    }

    // Goal: each table that the kernel took is understood, and printed as the kernel printed it, from what the parser
    // understood and the numbers of its devices.
    [Test]
    public void Table_lines_are_the_kernels()
    {
        int count = 0;
        int printed = 0;
        foreach (string[] row in GoldenFile.Rows("tables.txt"))
        {
            count++;
            if (row[1].Contains("/dev/loop0 0 /dev/loop0 0"))
            {
                // Taken by the kernel, refused here: it is no mirror.
                Assert.That(() => MirrorRig.Parse(row[1]), Throws.InvalidOperationException);
                continue;
            }
            TableLine line = MirrorRig.Parse(row[1]).Lines.Single();
            string made = $"{line.Start} {line.Length} mirror {MirrorLines.Table(PartsOf((MirrorSpec)line.Target))}";
            if (row[2] != "-")
            {
                Assert.That(made, Is.EqualTo(row[2]), row[0]);
                printed++;
            }
            // What was printed gives the same mirror again.
            Assert.That(MirrorLines.Table(PartsOf((MirrorSpec)MirrorRig.Parse(made).Lines.Single().Target)),
                Is.EqualTo(made[(made.IndexOf("mirror ", StringComparison.Ordinal) + 7)..]));
        }
        Assert.That((count, printed), Is.EqualTo((Tables, PrintedTables)));
    }

    // Goal: each table that the kernel rejected is rejected, in the kernel's words.
    [Test]
    public void Rejected_tables_are_the_kernels()
    {
        int count = 0;
        foreach (string[] row in GoldenFile.Rows("rejected-tables.txt"))
        {
            string said = WhyRejected(row[1]);
            Assert.That(row, Has.Length.GreaterThan(2));
            foreach (string word in row[2..])
                Assert.That(said, Does.Contain(word), row[1]);
            count++;
        }
        Assert.That(count, Is.EqualTo(RejectedTables));
    }

    // Goal: all letters of a log, and a device's word as it stands in the table, file names with blanks too.
    [TestCase(ShownLog.Alive)]
    [TestCase(ShownLog.FlushFailed)]
    [TestCase(ShownLog.Failed)]
    public void What_no_kernel_was_seen_to_print(char letter)
    {
        var status = new MirrorStatusParts(["7:0", "/my\\ leg"], 1, 4, "FS", new ShownLog("/my\\ log", letter));
        Assert.That(
            MirrorLines.Status(status), Is.EqualTo($"2 7:0 /my\\ leg 1/4 1 FS 3 disk /my\\ log {letter}"));
    }

    private static string WhyRejected(string table)
    {
        var errors = new List<TableError>();
        if (TableParser.Parse(table, errors) is not { } parsed)
            return string.Join('\n', errors);
        var mirror = (MirrorSpec)parsed.Lines.Single().Target;
        if (mirror.LogDevice == "/dev/mapper/lg")
        {
            long regions = (parsed.Length.Count + mirror.RegionSize.Count - 1) / mirror.RegionSize.Count;
            return $"Error creating mirror dirty log: too small: need {LogImage.BufferBytes(regions, 512)} bytes";
        }
        var rig = new MirrorRig { TableText = table };
        foreach (string device in (string[])["/dev/loop0", "/dev/loop1"])
            rig.AddDevice(device, new ScriptedDevice(rig.Loop, device, new(65536)));
        return rig.StartProblem<MapperException>();
    }

    private static MirrorTableParts PartsOf(MirrorSpec spec) => new(
        [.. spec.Legs.Select(leg => new ShownLeg(ShownOf(leg.Device), leg.Offset))],
        spec.LogDevice is null ? null : ShownOf(spec.LogDevice), spec.RegionSize, spec.Sync, spec.Features);

    private static string ShownOf(string device) => s_numbers.GetValueOrDefault(device, device);

    // count leg... in-sync/regions 1 health (1 core | 3 disk device letter)
    private static MirrorStatusParts ReadStatus(string[] words)
    {
        int legs = int.Parse(words[0]);
        string[] behind = words[(1 + legs)..];
        long[] regions = [.. behind[0].Split('/').Select(long.Parse)];
        Assert.That(behind[2], Has.Length.EqualTo(legs));
        ShownLog? log = behind[4] == "disk" ? new ShownLog(behind[5], behind[6].Single()) : null;
        return new MirrorStatusParts(words[1..(1 + legs)], regions[0], regions[1], behind[2], log);
    }
}
