using NUnit.Framework;

namespace DmIo.Daemon.Tests;

// Mirrors, their legs, logs and policies.
public sealed partial class MistakeTests
{
    [Test]
    public void A_mirror_makes_no_legs_by_itself() => AssertTold(
        ["--mirror", "a.img", "b.img", "--size", "1M", "--unix", "x.sock"],
        "--mirror: {0}/a.img does not exist; create it first (--create makes files of the right size); or serve without it (--degraded)",
        "--mirror: {0}/b.img does not exist; create it first (--create makes files of the right size); or serve without it (--degraded)");

    [Test]
    public void A_leg_must_be_as_long_as_the_volume()
    {
        _scratch.Sparse("a.img", 1 << 20);
        _scratch.Sparse("b.img", 2 << 20);
        AssertTold(
            ["--mirror", "a.img", "b.img", "--size", "2M", "--unix", "x.sock"],
            "--mirror: {0}/a.img has 1048576 bytes and 2097152 are needed; make it longer, or the volume smaller");
    }

    [Test]
    public void Two_names_of_one_file_are_no_mirror()
    {
        _scratch.Sparse("a.img", 1 << 20);
        File.CreateSymbolicLink(_scratch["b.img"], "a.img");
        AssertTold(
            ["--mirror", "a.img", "b.img", "--unix", "x.sock"],
            "--mirror: {0}/b.img from sector 0 on is used by dm:vol0 already (as {0}/a.img, sectors 0 to 2047); "
            + "each needs a place of its own");
    }

    [Test]
    public void A_volume_is_not_changed_behind_its_mirror()
    {
        _scratch.Sparse("a.img", 1 << 20);
        _scratch.Sparse("b.img", 1 << 20);
        _scratch.Write("dmio-nbd.json", """
            {
              "listeners": [ { "unix": "nbd.sock" } ],
              "devices": { "vol0": { "table": "0 2048 mirror core 1 1024 2 a.img 0 b.img 0" } },
              "exports": [ { "name": "vol0" }, { "name": "leg", "device": "a.img" } ]
            }
            """);
        AssertTold(["--config", "dmio-nbd.json"],
            "dmio-nbd.json:4: exports[1]: a.img lies under dm:vol0; export it read-only, or not at all");
    }

    // Goal: a log takes a device of its own, whatever the words for it are, and nobody writes it behind the mirror.
    [Test]
    public void A_log_has_its_device_for_itself()
    {
        foreach (string file in (string[])["a.img", "b.img", "c.img", "d.img", "log.img"])
            _scratch.Sparse(file, 2 << 20);
        File.CreateSymbolicLink(_scratch["log-too.img"], "log.img");
        File.CreateSymbolicLink(_scratch["a-too.img"], "a.img");
        _scratch.Write("dmio-nbd.json", """
            {
              "listeners": [ { "unix": "nbd.sock" } ],
              "devices": {
                "vol0": { "table": "0 2048 mirror disk 2 log.img 1024 2 a.img 0 b.img 0" },
                "vol1": { "table": "0 2048 mirror disk 2 log-too.img 1024 2 c.img 0 d.img 0" },
                "vol2": { "table": "0 2048 linear log.img 2048" },
                "vol3": { "table": "0 1024 mirror disk 2 a-too.img 1024 2 a.img 2048 b.img 2048" }
              },
              "exports": [
                { "name": "vol0" }, { "name": "vol1" }, { "name": "vol2", "readOnly": true }, { "name": "vol3" },
                { "name": "log", "device": "log.img" },
                { "name": "fine", "device": "log-too.img", "readOnly": true },
              ]
            }
            """);
        AssertTold(["--config", "dmio-nbd.json"],
            "dmio-nbd.json:11: exports[4]: log.img lies under dm:vol0; export it read-only, or not at all",
            "dmio-nbd.json:4: devices.vol0.table: a.img is the log of dm:vol3 already (as a-too.img); a log takes a "
            + "whole device: name another for one of them",
            "dmio-nbd.json:7: devices.vol3.table: a.img is the log of dm:vol3 already (as a-too.img); a log takes a "
            + "whole device: name another for one of them",
            "dmio-nbd.json:5: devices.vol1.table: log-too.img is the log of dm:vol0 already (as log.img); a log takes a "
            + "whole device: name another for one of them",
            "dmio-nbd.json:6: devices.vol2.table: log.img is the log of dm:vol0 already (as log.img); a log takes a "
            + "whole device: name another for one of them");
    }

    // Goal: a log is looked for and looked at as legs are, and may be a mapped device.
    [Test]
    public void A_log_must_be_there()
    {
        foreach (string file in (string[])["a.img", "b.img"])
            _scratch.Sparse(file, 2 << 20);
        _scratch.Sparse("odd.img", 1000);
        _scratch.Write("dmio-nbd.json", """
            {
              "listeners": [ { "unix": "nbd.sock" } ],
              "devices": {
                "vol0": { "table": "0 1024 mirror disk 2 gone.img 1024 2 a.img 0 b.img 0", "direct": ["gon.img"] },
                "vol1": { "table": "0 1024 mirror disk 2 odd.img 1024 2 a.img 1024 b.img 1024" },
                "vol2": { "table": "0 8 mirror disk 2 dm:lgo 8 2 a.img 2048 b.img 2048" },
                "vol3": { "table": ["0 8 mirror disk 2 x 8 2 a.img 0 x 8"] },
                "lg": { "table": "0 8 mirror disk 2 dm:lg 8 2 a.img 2056 b.img 2056" }
              },
              "exports": [ { "name": "vol0" } ]
            }
            """);
        AssertTold(["--config", "dmio-nbd.json"],
            "dmio-nbd.json:7: devices.vol3.table: table line 1 at 'x': x is used as the log and as a leg too; the log "
            + "takes a whole device: name another for it",
            "dmio-nbd.json:6: devices.vol2.table: dm:lgo: no mapped device of that name; did you mean 'lg'?",
            "dmio-nbd.json:8: devices.lg.table: the devices stand on each other: dm:lg -> dm:lg; take one of them out",
            "dmio-nbd.json:4: devices.vol0.table: {0}/gone.img does not exist; create it first (--create makes files "
            + "of the right size)",
            "dmio-nbd.json:4: devices.vol0: direct: gon.img is not in the table; did you mean 'gone.img'?",
            "dmio-nbd.json:5: devices.vol1.table: {0}/odd.img has 1000 bytes, not a multiple of 512; make it 1024 "
            + "(truncate -s %512)",
            "dmio-nbd.json:5: devices.vol1.table: {0}/odd.img has 1000 bytes and a log of regions of 1024 sectors needs "
            + "1536; make it longer (61440 have room for the record as well), or take a larger region size");
    }

    // Goal: what a mirror's policy says is understood or told, in the same words wherever it was written.
    [Test]
    public void All_mistakes_of_a_policy_are_told()
    {
        _scratch.Sparse("a.img", 1 << 20);
        _scratch.Sparse("b.img", 1 << 20);
        const string seconds = "take one from 0 to 86400, such as 5 or 0.5";
        const string rate = "write bytes, or a number with K, M, G or T (powers of 1024), such as 512M, or 0 for no limit";
        AssertTold(
            ["--mirror", "a.img", "b.img", "--unix", "x.sock", "--force", "--prefer", "2", "--write-mostly", "0",
                "--write-mostly", "x", "--clean-after", "-1", "--recovery-rate", "1X", "--recovery-busy-rate", "fast",
                "--read-error-limit", "1.5", "--hold-failed-writes", "forever", "--when-unrecorded", "wait"],
            "--force: wants --sync-from LEG with the leg to go on with; add it",
            $"--clean-after: '-1' is no number of seconds; {seconds}",
            $"--recovery-rate: '1X' is no rate; {rate}",
            $"--recovery-busy-rate: 'fast' is no rate; {rate}",
            "--prefer: '2' is no leg of this mirror; legs are counted from 0 to 1",
            "--write-mostly: 'x' is no leg of this mirror; legs are counted from 0 to 1",
            "--read-error-limit: '1.5' is no number of errors; take a whole one from 0 to 1000000, such as 20",
            $"--hold-failed-writes: 'forever' is no number of seconds; {seconds}",
            "--when-unrecorded: 'wait' is none of fail, hold; take one of these");
        _scratch.Write("dmio-nbd.json", """
            {
              "listeners": [ { "unix": "nbd.sock" } ],
              "devices": {
                "vol0": {
                  "table": "0 2048 mirror core 1 1024 2 a.img 0 b.img 0",
                  "force": true,
                  "mirror": {
                    "cleanAfterSeconds": true, "recoveryRate": "1X", "recovery": 0, "prefer": 2, "writeMostly": [0, 9, 3],
                    "readErrorLimits": 3, "whenUnrecorded": "wait" }
                },
                "vol1": { "table": "0 2048 linear dm:vol0 0", "mirror": { } }
              },
              "exports": [ { "name": "vol1" } ]
            }
            """);
        AssertTold(["--config", "dmio-nbd.json"],
            "dmio-nbd.json:8: devices.vol0.mirror.cleanAfterSeconds: must be a number",
            $"dmio-nbd.json:8: devices.vol0.mirror.recoveryRate: '1X' is no rate; {rate}",
            "dmio-nbd.json:8: devices.vol0.mirror.recovery: must be true or false",
            "dmio-nbd.json:8: devices.vol0.mirror.writeMostly[1]: must be a leg, a whole number counted from 0",
            "dmio-nbd.json:9: devices.vol0.mirror.whenUnrecorded: 'wait' is none of fail, hold; take one of these",
            "dmio-nbd.json:9: devices.vol0.mirror.readErrorLimits: unknown property 'readErrorLimits'; did you mean "
            + "'readErrorLimit'?",
            "dmio-nbd.json:4: devices.vol0: has force and no syncFrom; add it, with the leg to go on with",
            "dmio-nbd.json:4: devices.vol0: mirror: 2 is no leg; legs are counted from 0 to 1",
            "dmio-nbd.json:4: devices.vol0: mirror: 3 is no leg; legs are counted from 0 to 1",
            "dmio-nbd.json:11: devices.vol1: mirror is for mirrors, and this table has none; leave it out");
    }

    // Goal: a quorum that the mirror has not the legs for is told wherever it was written; all of its legs are not too many.
    [Test]
    public void A_write_quorum_must_not_be_more_than_the_legs()
    {
        _scratch.Sparse("a.img", 1 << 20);
        _scratch.Sparse("b.img", 1 << 20);
        _scratch.Sparse("c.img", 1 << 20);
        _scratch.Sparse("d.img", 1 << 20);
        const string mistake = "a write quorum of 3 is more than the mirror's 2 legs; take any, all, or a number up to 2";
        AssertTold(
            ["--mirror", "a.img", "b.img", "--unix", "x.sock", "--write-quorum", "3"],
            $"--mirror: {mistake}");
        AssertTold(
            ["--mirror", "a.img", "b.img", "--unix", "x.sock", "--write-quorum", "10"],
            "--write-quorum: '10' is no number of legs; take any, all, or a number from 1 to 9");
        _scratch.Write("dmio-nbd.json", """
            {
              "listeners": [ { "unix": "nbd.sock" } ],
              "devices": {
                "vol0": { "table": "0 2048 mirror core 1 1024 2 a.img 0 b.img 0", "mirror": { "writeQuorum": 3 } },
                "vol1": { "table": "0 2048 mirror core 1 1024 2 c.img 0 d.img 0", "mirror": { "writeQuorum": 2 } }
              },
              "exports": [ { "name": "vol0" } ]
            }
            """);
        AssertTold(["--config", "dmio-nbd.json"], $"dmio-nbd.json:4: devices.vol0: {mistake}");
    }

    // Goal: a log that is missing or too short is told before anything starts, with the length that it wants.
    [Test]
    public void A_log_must_be_there_and_long_enough()
    {
        _scratch.Sparse("a.img", 1 << 20);
        _scratch.Sparse("b.img", 1 << 20);
        _scratch.Sparse("short.img", 1024);
        AssertTold(
            ["--mirror", "a.img", "b.img", "--unix", "x.sock", "--log", "gone.img"],
            "--mirror: {0}/gone.img does not exist; create it first (--create makes files of the right size)");
        AssertTold(
            ["--mirror", "a.img", "b.img", "--unix", "x.sock", "--log", "short.img", "--check-config"],
            "--mirror: {0}/short.img has 1024 bytes and a log of regions of 1024 sectors needs 1536; make it longer "
            + "(61440 have room for the record as well), or take a larger region size");
        AssertTold(
            ["--linear", "a.img", "--unix", "x.sock", "--log", "short.img", "--prefer", "0"],
            "--log: is for a mirror; leave it out with --linear",
            "--prefer: is for a mirror; leave it out with --linear");
    }

    // Goal: a mirror does without legs only when told to, never without all, and never while it makes what is missing.
    [Test]
    public void A_mirror_does_without_legs_only_as_far_as_that_means_anything()
    {
        _scratch.Sparse("a.img", 1 << 20);
        AssertTold(
            ["--mirror", "x.img", "y.img", "--unix", "x.sock", "--degraded"],
            "--degraded: all legs are missing; one of them at least must be there");
        AssertTold(
            ["--mirror", "x.img", "y.img", "--unix", "x.sock", "--size", "1M", "--degraded"],
            "--mirror: all legs are missing; one of them at least must be there");
        AssertTold(
            ["--mirror", "a.img", "y.img", "--unix", "x.sock", "--degraded", "--create"],
            "--degraded: goes not together with --create, which makes what is missing; choose one");
        // What something else needs as well is not missed in silence.
        _scratch.Write("dmio-nbd.json", """
            {
              "listeners": [ { "unix": "nbd.sock" } ],
              "devices": {
                "vol0": { "table": "0 1024 mirror core 1 1024 2 a.img 0 gone.img 0", "degraded": true },
                "vol1": { "table": "0 1024 linear gone.img 1024" }
              },
              "exports": [ { "name": "vol0" }, { "name": "vol1" } ]
            }
            """);
        AssertTold(["--config", "dmio-nbd.json"],
            "dmio-nbd.json:5: devices.vol1.table: {0}/gone.img does not exist; create it first (--create makes files of "
            + "the right size)");
        ToolResult born = Run(["--mirror", "a.img", "y.img", "--unix", "x.sock", "--state-dir", "state", "--degraded"]);
        Assert.That(born.ExitCode, Is.EqualTo(2), born.Error);
        Assert.That(born.Error, Does.Contain("a new mirror needs all of its legs"));
        Assert.That(Directory.EnumerateFileSystemEntries(_scratch.Directory).Select(Path.GetFileName),
            Is.EquivalentTo((string[])["a.img", "dmio-nbd.json"]));
    }

    [Test]
    public void A_new_mirror_of_legs_with_contents_asks_what_to_do_with_them()
    {
        _scratch.Write("a.img", new string('a', 1 << 20));
        _scratch.Write("b.img", new string('b', 1 << 20));
        ToolResult result = Run(["--mirror", "a.img", "b.img", "--unix", "x.sock", "--state-dir", "state"]);
        Assert.That(result.ExitCode, Is.EqualTo(2), result.Error);
        Assert.That(result.Error, Does.Contain("--sync-from").And.Contain("--assume-clean"));
        Assert.That(Directory.EnumerateFileSystemEntries(_scratch.Directory).Select(Path.GetFileName),
            Is.EquivalentTo((string[])["a.img", "b.img"]));
    }
}
