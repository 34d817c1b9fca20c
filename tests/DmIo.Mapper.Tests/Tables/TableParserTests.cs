namespace DmIo.Mapper.Tests;

public sealed class TableParserTests
{
    // Goal: every line of a table in scope is read into its spec, comments, blanks and order of lines notwithstanding.
    [Test]
    public void Reads_lines_of_all_targets()
    {
        Table table = MirrorRig.Parse("""
            # a device of three parts

            2048 1024 error            # the hole in the middle
            0 2048 linear /dev/loop0 384
            3072 40000 mirror core 2 1024 nosync 2 /dev/loop0 8192 /dev/loop1 2048 2 handle_errors keep_log
            """);
        Assert.That(table.Length, Is.EqualTo(new Sectors(43072)));
        Assert.That(table.Devices, Is.EqualTo(new[] { "/dev/loop0", "/dev/loop1" }));
        Assert.That(table.Lines[0], Is.EqualTo(new TableLine(
            new Sectors(0), new Sectors(2048), new LinearSpec(new DeviceArgument("/dev/loop0", new Sectors(384))))));
        Assert.That(table.Lines[1].Target, Is.EqualTo(new ErrorSpec()));
        var mirror = (MirrorSpec)table.Lines[2].Target;
        Assert.That(mirror.Legs, Is.EqualTo(new[]
        {
            new DeviceArgument("/dev/loop0", new Sectors(8192)), new DeviceArgument("/dev/loop1", new Sectors(2048)),
        }));
        Assert.That(mirror.RegionSize, Is.EqualTo(new Sectors(1024)));
        Assert.That(mirror.Sync, Is.EqualTo(MirrorSync.NoSync));
        Assert.That(mirror.Features, Is.EqualTo(MirrorFeatures.HandleErrors | MirrorFeatures.KeepLog));
    }

    // Goal: a disk log is read in both of its forms, and its device is one of the table's.
    [TestCase("0 65536 mirror disk 2 /dev/loop2 1024 2 /dev/loop0 0 /dev/loop1 0", MirrorSync.Unsaid)]
    [TestCase("0 65536 mirror disk 3 /dev/loop2 1024 sync 2 /dev/loop0 0 /dev/loop1 0", MirrorSync.Sync)]
    [TestCase("0 65536 mirror disk 3 /dev/loop2 1024 nosync 2 /dev/loop0 0 /dev/loop1 0", MirrorSync.NoSync)]
    public void Reads_a_disk_log(string text, MirrorSync sync)
    {
        Table table = MirrorRig.Parse(text);
        var mirror = (MirrorSpec)table.Lines[0].Target;
        Assert.That(mirror.LogDevice, Is.EqualTo("/dev/loop2"));
        Assert.That(mirror.RegionSize, Is.EqualTo(new Sectors(1024)));
        Assert.That(mirror.Sync, Is.EqualTo(sync));
        Assert.That(mirror.OtherDevices, Is.EqualTo(new[] { "/dev/loop2" }));
        Assert.That(table.Devices, Is.EqualTo(new[] { "/dev/loop0", "/dev/loop1", "/dev/loop2" }));
    }

    // Goal: paths with blanks, backslashes and hash signs survive a round trip through a table's word.
    [TestCase("/plain")]
    [TestCase("/with blank")]
    [TestCase("/with\\backslash")]
    [TestCase("#first")]
    [TestCase("/tab\there # and more")]
    public void Quotes_what_a_word_cannot_hold(string path)
    {
        Table table = MirrorRig.Parse($"0 8 linear {TableWords.Quote(path)} 0");
        Assert.That(table.Devices.Single(), Is.EqualTo(path));
    }

    // Goal: what the kernel rejects is rejected, in its words (kernel-captures 01 and 02, sections "rejected").
    [TestCase("0 65536 mirror core 1 1000 2 A 0 B 0", "1000", "mirror dirty log: invalid region size 1000")]
    [TestCase("0 65536 mirror core 1 131072 2 A 0 B 0", "131072", "invalid region size 131072")]
    [TestCase("0 65536 mirror core 1 1 2 A 0 B 0", "1", "invalid region size 1")]
    [TestCase("0 65536 mirror core 1 0 2 A 0 B 0", "0", "invalid region size 0")]
    [TestCase("0 65536 mirror core 1 -8 2 A 0 B 0", "-8", "invalid region size")]
    [TestCase("0 65536 mirror core 2 1024 maybe 2 A 0 B 0", "maybe", "unrecognised sync argument")]
    [TestCase("0 65536 mirror core 2 1024 block_on_error 2 A 0 B 0", "block_on_error", "unrecognised sync argument")]
    [TestCase("0 65536 mirror core 1 1024 0", "0", "Invalid number of mirrors")]
    [TestCase("0 65536 mirror core 1 1024 1 A 0", "1", "Invalid number of mirrors")]
    [TestCase("0 65536 mirror core 1 1024 10 A 0", "10", "Invalid number of mirrors")]
    [TestCase("0 65536 mirror core 1 1024", "", "Invalid number of mirrors")]
    [TestCase("0 65536 mirror core 1 1024 9 A 0 B 0", "", "Too few mirror arguments")]
    [TestCase("0 65536 mirror core 1 1024 2 A 0 B junk", "junk", "Invalid offset")]
    [TestCase("0 65536 mirror core 1 1024 2 A 0 B 0 1 bogus", "bogus", "Unrecognised feature requested")]
    [TestCase("0 65536 mirror core 1 1024 2 A 0 B 0 1 keep_log", "keep_log", "keep_log feature requires")]
    [TestCase("0 65536 mirror core 1 1024 2 A 0 B 0 2 handle_errors", "2", "Not enough arguments to support")]
    [TestCase("0 65536 mirror core 1 1024 2 A 0 B 0 handle_errors", "handle_errors", "Invalid number of features")]
    [TestCase("0 65536 mirror core 1 1024 2 A 0 B 0 1 handle_errors extra", "extra", "Too many mirror arguments")]
    [TestCase("0 65536 mirror blah 1 1024 2 A 0 B 0", "blah", "Module for logging type \"blah\" not found")]
    [TestCase("0 65536 mirror core 3 1024 nosync x 2 A 0 B 0", "3", "wrong number of arguments to dirty region log")]
    [TestCase("0 65536 mirror core 0 2 A 0 B 0", "0", "wrong number of arguments to dirty region log")]
    [TestCase("0 65536 mirror core", "core", "Insufficient mirror log arguments")]
    [TestCase("0 65536 mirror core x 1024 2 A 0 B 0", "x", "Invalid mirror log argument count")]
    [TestCase("0 65536 mirror core 2 1024 block_on_error 2 A 0 B 0", "block_on_error", "feature '1 handle_errors'")]
    [TestCase("0 65536 mirror disk 1 L 2 A 0 B 0", "1", "wrong number of arguments to disk dirty region log")]
    [TestCase("0 65536 mirror disk 0 2 A 0 B 0", "0", "wrong number of arguments to disk dirty region log")]
    [TestCase("0 65536 mirror disk 4 L 1024 nosync x 2 A 0 B 0", "4", "wrong number of arguments to disk dirty region")]
    [TestCase("0 65536 mirror disk 2 1024 L 2 A 0 B 0", "L", "Error creating mirror dirty log")]
    [TestCase("0 65536 mirror disk 2 L 1000 2 A 0 B 0", "1000", "mirror dirty log: invalid region size 1000")]
    [TestCase("0 65536 mirror disk 3 L 1024 maybe 2 A 0 B 0", "maybe", "unrecognised sync argument")]
    [TestCase("0 65536 mirror disk 3 L 1024 block_on_error 2 A 0 B 0", "block_on_error", "unrecognised sync argument")]
    [TestCase("0 65536 mirror disk 3 L 1024", "", "Insufficient mirror log arguments")]
    [TestCase("0 65536 mirror clustered-disk 2 L 1024 2 A 0 B 0", "clustered-disk", "not found")]
    [TestCase("0 65536 mirror disk 2 A 1024 2 A 0 B 0", "A", "used as the log and as a leg too")]
    [TestCase("0 8 linear L 99999\n8 8 mirror disk 2 L 8 2 A 0 B 0", "L", "used as the log and as a leg too")]
    [TestCase("0 8 mirror disk 2 L 8 2 A 0 B 0\n8 8 mirror disk 2 L 8 2 A 8 B 8", "L", "as another mirror log too")]
    [TestCase("0 65536 mirror", "", "Insufficient mirror log arguments")]
    [TestCase("0 65536 mirror core 1 1024 2 A 0 A 0", "A", "used twice in the same place")]
    [TestCase("0 8 linear A", "", "Invalid argument count")]
    [TestCase("0 8 linear A x", "x", "Invalid device sector")]
    [TestCase("0 8 linear A 36028797018963968", "36028797018963968", "Invalid device sector")]
    [TestCase("0 8 error A", "A", "Invalid argument count")]
    [TestCase("0 8 zero A", "A", "No arguments required")]
    [TestCase("0 8 striped", "", "Not enough arguments")]
    [TestCase("0 8 striped 2", "", "Not enough arguments")]
    [TestCase("0 8 striped 0 4 A 0", "0", "Invalid stripe count")]
    [TestCase("0 8 striped x 4 A 0", "x", "Invalid stripe count")]
    [TestCase("0 8 striped 2 0 A 0 B 0", "0", "Invalid chunk_size")]
    [TestCase("0 8 striped 2 4k A 0 B 0", "4k", "Invalid chunk_size")]
    [TestCase("0 9 striped 2 4 A 0 B 0", "9", "Target length not divisible by number of stripes: 2 chunks of 4 sectors; take 8 or 16")]
    [TestCase("0 12 striped 2 4 A 0 B 0", "12", "Target length not divisible by chunk size: 2 chunks of 4 sectors; take 8 or 16")]
    [TestCase("0 4 striped 2 4 A 0 B 0", "4", "Target length not divisible by chunk size: 2 chunks of 4 sectors; 8 is the least")]
    [TestCase("0 8 striped 2 4 A 0", "", "Not enough destinations specified")]
    [TestCase("0 8 striped 2 4 A 0 B 0 C 0", "", "Too many destinations specified")]
    [TestCase("0 8 striped 2 4 A 0 B x", "x", "Couldn't parse stripe destination")]
    [TestCase("0 8 striped 2 4 A 0 A 3", "A", "used twice in the same place")]
    [TestCase("0 8 delay A 0", "", "Requires exactly 3, 6 or 9 arguments")]
    [TestCase("0 8 delay A 0 5 B", "", "Requires exactly 3, 6 or 9 arguments")]
    [TestCase("0 8 delay A x 5", "x", "Invalid device sector")]
    [TestCase("0 8 delay A 0 5s", "5s", "Invalid delay")]
    [TestCase("0 8 delay A 0 4294967296", "4294967296", "Invalid delay")]
    [TestCase("0 8 delay A 0 5 A 4 5", "A", "used twice in the same place")]
    [TestCase("0 8 flakey A 0 5", "", "Invalid argument count")]
    [TestCase("0 8 flakey A x 5 5", "x", "Invalid device sector")]
    [TestCase("0 8 flakey A 0 x 5", "x", "Invalid up interval")]
    [TestCase("0 8 flakey A 0 5 -5", "-5", "Invalid down interval")]
    [TestCase("0 8 flakey A 0 0 0", "0", "Total (up + down) interval is zero")]
    [TestCase("0 8 flakey A 0 4294967295 1", "1", "Interval overflow")]
    [TestCase("0 8 flakey A 0 1 1 12", "12", "Invalid number of feature args")]
    [TestCase("0 8 flakey A 0 1 1 drop_writes", "drop_writes", "Invalid number of feature args")]
    [TestCase("0 8 flakey A 0 1 1 2 drop_writes", "2", "Invalid number of feature args; 1 words follow")]
    [TestCase("0 8 flakey A 0 1 1 1 drop_reads", "drop_reads", "Unrecognised flakey feature requested; known are error_reads")]
    [TestCase("0 8 flakey A 0 1 1 2 drop_writes drop_writes", "drop_writes", "Feature drop_writes duplicated")]
    [TestCase("0 8 flakey A 0 1 1 2 error_reads ERROR_READS", "ERROR_READS", "Feature error_reads duplicated")]
    [TestCase("0 8 flakey A 0 1 1 2 drop_writes error_writes", "error_writes", "error_writes conflicts with feature drop_writes")]
    [TestCase("0 8 flakey A 0 1 1 2 error_writes drop_writes", "drop_writes", "drop_writes conflicts with feature error_writes")]
    [TestCase("0 8 flakey A 0 1 1 1 corrupt_bio_byte", "corrupt_bio_byte", "Feature corrupt_bio_byte requires parameters")]
    [TestCase("0 8 flakey A 0 1 1 5 corrupt_bio_byte 0 r 1 0", "0", "Invalid corrupt bio byte")]
    [TestCase("0 8 flakey A 0 1 1 5 corrupt_bio_byte 1 x 1 0", "x", "Invalid corrupt bio direction (r or w)")]
    [TestCase("0 8 flakey A 0 1 1 5 corrupt_bio_byte 1 r 256 0", "256", "Invalid corrupt value to write into bio byte (0-255)")]
    [TestCase("0 8 flakey A 0 1 1 4 corrupt_bio_byte 1 r 1", "", "Invalid corrupt bio flags mask")]
    [TestCase("0 8 flakey A 0 1 1 6 drop_writes corrupt_bio_byte 1 w 1 0", "drop_writes", "drop_writes is incompatible with")]
    [TestCase("0 8 flakey A 0 1 1 3 error_writes random_write_corrupt 1", "error_writes", "error_writes is incompatible with")]
    [TestCase("0 8 flakey A 0 1 1 1 random_read_corrupt", "random_read_corrupt", "random_read_corrupt requires a parameter")]
    [TestCase("0 8 flakey A 0 1 1 2 random_write_corrupt 1000000001", "1000000001", "Invalid random corrupt argument")]
    [TestCase("0 8 dust A 0", "", "Invalid argument count")]
    [TestCase("0 8 dust A 0 512 x", "", "Invalid argument count")]
    [TestCase("0 8 dust A x 512", "x", "Invalid device offset sector")]
    [TestCase("0 8 dust A 0 4k", "4k", "Invalid block size parameter")]
    [TestCase("0 8 dust A 0 256", "256", "Block size must be at least 512")]
    [TestCase("0 8 dust A 0 1000", "1000", "Block size must be a power of 2")]
    [TestCase("0 8 dust A 0 2147483648", "2147483648", "Block size is too large")]
    [TestCase("0 8 log-writes A", "", "Invalid argument count")]
    [TestCase("0 8 log-writes A L 0", "", "Invalid argument count")]
    [TestCase("0 8 log-writes A A", "A", "used as the log and for data too")]
    [TestCase("0 8 log-writes A L\n8 8 log-writes B L", "L", "as another log-writes log too")]
    [TestCase("0 8 frobnicate A", "frobnicate", "unknown target type")]
    [TestCase("0 8", "", "target is missing")]
    [TestCase("0 0 error", "0", "zero-length target")]
    [TestCase("0 x error", "x", "Invalid length")]
    [TestCase("x 8 error", "x", "Invalid start")]
    [TestCase("8 8 error", "8", "Gap in table")]
    [TestCase("0 8 error\n7 8 error", "7", "Overlap in table")]
    [TestCase("0 8 error\n9 8 error", "9", "Gap in table")]
    [TestCase("0 8 linear A 0\n8 8 linear A 7", "A", "used twice in the same place")]
    [TestCase("", "", "no line")]
    [TestCase("# nothing\n", "", "no line")]
    public void Rejects_with_the_word_and_the_reason(string text, string argument, string message)
    {
        var errors = new List<TableError>();
        Assert.That(TableParser.Parse(text, errors), Is.Null);
        Assert.That(errors, Has.Count.EqualTo(1));
        Assert.That(errors[0].Argument, Is.EqualTo(argument));
        Assert.That(errors[0].Message, Does.Contain(message));
        Assert.That(errors[0].Line, Is.EqualTo(text.StartsWith('#') ? 1 : text.Split('\n').Length));
    }

    // Goal: all mistakes come at once, each with its line, so that nobody corrects a table one start at a time.
    [Test]
    public void Collects_all_mistakes()
    {
        var errors = new List<TableError>();
        Table? table = TableParser.Parse("""
            0 8 linear A x
            8 8 mirror core 2 3 maybe 2 A 0 B y 1 bogus
            16 0 error
            24 8 nothing
            """, errors);
        Assert.That(table, Is.Null);
        Assert.That(errors.Select(error => (error.Line, error.Argument)), Is.EqualTo(new[]
        {
            (1, "x"), (2, "3"), (2, "maybe"), (2, "y"), (2, "bogus"), (3, "0"), (4, "nothing"),
        }));
    }

    // Goal: offsets far into a device and the same device in several places are fine as long as the places are apart.
    [Test]
    public void The_same_device_may_serve_twice_in_different_places()
    {
        Table table = MirrorRig.Parse("0 8 linear A 8\n8 8 linear A 0");
        Assert.That(table.Devices, Is.EqualTo(new[] { "A" }));
    }
}
