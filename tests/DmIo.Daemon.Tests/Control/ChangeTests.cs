using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>Devices and exports come, change and go while others are served.</summary>
public sealed class ChangeTests
{
    // Goal: from a table to a client and back to nothing, without a restart and without a file left open.
    [Test]
    public void A_device_is_made_exported_and_removed_again()
    {
        using var volume = new ShakyVolume();
        string file = volume.Scratch.Sparse("new.img", 1 << 20);
        string table = volume.Scratch.Write("table", $"# a comment\n0 2048   linear {file} 0\n");
        Assert.That(volume.Run("create", "lin", "--table", table).MustSucceed().Output, Is.Empty);
        Assert.That(volume.Lines("table", "lin"), Is.EqualTo(new[] { $"0 2048 linear {file} 0" }));
        volume.Run("export", "add", "lin", "--description", "made while running").MustSucceed();
        byte[] data = [.. Enumerable.Repeat((byte)9, 4096)];
        using (NbdClient client = NbdClient.Connect(volume.Socket, "lin"))
        {
            Assert.That(client.WriteAt(512, data), Is.Zero);
            AssertFails(volume.Run("remove", "lin"), 1, "lin: is in use: it is exported as 'lin', with 1 client(s) "
                + "(export remove lin); end that first");
            volume.Run("export", "remove", "lin").MustSucceed();
            Assert.That(() => client.FlushAll(), Throws.Exception, "the client of a removed export");
        }
        using DaemonProcess waiting = DaemonProcess.Launch("wait", "lin", "--control", volume.Control);
        Deadline.WaitFor(() => EventTests.Connected(volume.Control) == 1, "somebody who waits for the device");
        volume.Run("remove", "lin").MustSucceed();
        Assert.That(waiting.WaitForExit(), Is.EqualTo(1));
        Assert.That(waiting.Log, Does.Contain("lin: no mapped device of that name"));
        Assert.That(volume.Lines("ls"), Is.EqualTo(new[] { "shaky", "vol0" }));
        Assert.That(OpenFiles(volume), Does.Not.Contain(file));
        Assert.That(File.ReadAllBytes(file).AsSpan(512, 4096).ToArray(), Is.EqualTo(data));
        using NbdClient other = NbdClient.Connect(volume.Socket);
        Assert.That(other.WriteAt(0, data), Is.Zero);
        Assert.That(volume.Daemon.Stop(), Is.Zero, volume.Daemon.Log);
    }

    // Goal: what was not said to be for reading alone can be written when it is exported later; the rest is refused, and why.
    [Test]
    public void A_device_that_had_no_export_at_the_start_can_be_written_later()
    {
        using var scratch = new Scratch();
        foreach (string file in (string[])["a.img", "b.img", "c.img"])
            scratch.Sparse(file, 1 << 20);
        string config = scratch.Write("later.json", """
            {
              "stateDirectory": "state", "control": "control.sock",
              "listeners": [ { "unix": "nbd.sock" } ],
              "devices": {
                "vol0": { "table": "0 2048 linear a.img 0" },
                "spare": { "table": "0 2048 linear dm:under 0" },
                "under": { "table": "0 2048 linear b.img 0" },
              },
              "exports": [ { "name": "vol0", "readOnly": true } ],
            }
            """);
        using DaemonProcess daemon = DaemonProcess.Serve("--config", config);
        ToolResult Run(params string[] verb) => ControlTool.Run(scratch["control.sock"], verb);
        Run("export", "add", "spare").MustSucceed();
        using NbdClient client = NbdClient.Connect(scratch["nbd.sock"], "spare");
        Assert.That(client.WriteAt(0, [.. Enumerable.Repeat((byte)5, 512)]), Is.Zero);
        AssertFails(Run("export", "add", "more", "--device", "dm:vol0"), 1, "a.img is open for reading alone; remove the read-only");
        string table = scratch.Write("table", $"0 2048 linear {scratch["c.img"]} 0");
        Run("create", "fixed", "--read-only", "--table", table).MustSucceed();
        AssertFails(Run("export", "add", "fixed"), 1, "c.img is open for reading alone; remove the read-only");
        Run("export", "add", "fixed", "--read-only").MustSucceed();
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        Assert.That(File.ReadAllBytes(scratch["b.img"])[0], Is.EqualTo(5));
    }

    // Goal: the checks of a start hold while running too, and what is refused leaves nothing behind.
    [Test]
    public void What_would_be_refused_at_a_start_is_refused_while_running()
    {
        using var volume = new ShakyVolume();
        string leg = volume.Scratch["d.img"];
        string free = volume.Scratch.Sparse("free.img", 1 << 20);
        string locked = volume.Scratch.Sparse("locked.img", 1 << 20);
        using var holder = new Volume("1M") { Legs = [locked, volume.Scratch["locked2.img"]] };
        holder.Serve("--sync-from", "0");
        (string Name, string Table, int ExitCode, string Sentence)[] refused =
        [
            ("vol0", $"0 2048 linear {free} 0", 1, "vol0: is there already"),
            ("a/b", $"0 2048 linear {free} 0", 2, "is no name for a mapped device"),
            ("new", $"0 2048 linear {leg} 0", 2, "is used by dm:vol0 already"),
            ("new", $"0 4096 linear {free} 0", 2, "has 1048576 bytes and 2097152 are needed"),
            ("new", $"0 2048 linear {free}", 2, "new: table line 1: Invalid argument count"),
            ("new", "0 2048 linear dm:volo 0", 2, "dm:volo: no mapped device of that name"),
            ("new", $"0 2048 linear {volume.Scratch["none.img"]} 0", 2, "does not exist"),
            ("new", $"0 2048 linear {locked} 0", 1, "in use"),
        ];
        foreach ((string name, string table, int exitCode, string sentence) in refused)
        {
            string file = volume.Scratch.Write("table", table);
            AssertFails(volume.Run("create", name, "--table", file), exitCode, sentence);
        }
        AssertFails(volume.Run("export", "add", "vol0"), 2, "'vol0' is there already");
        AssertFails(volume.Run("export", "add", "x"), 2, "dm:x: no mapped device of that name");
        AssertFails(volume.Run("export", "add", "x", "--device", leg), 2, "lies under dm:vol0");
        AssertFails(volume.Run("export", "remove", "vol1"), 1, "no export of that name; did you mean 'vol0'?");
        AssertFails(volume.Run("remove", "shaky"), 1, "shaky: is in use: dm:vol0 stands on it");
        AssertFails(volume.Run("create", "x", "--table", "/nonexistent"), 2, "--table: /nonexistent cannot be read");
        Assert.That(volume.Lines("ls"), Is.EqualTo(new[] { "shaky", "vol0" }));
        Assert.That(OpenFiles(volume), Does.Not.Contain(free));
    }

    // Goal: a volume goes over to another device under its client's eyes; held requests are answered by the new table.
    [Test]
    public void A_table_is_replaced_under_a_client()
    {
        using var volume = new ShakyVolume();
        string file = volume.Scratch.Sparse("new.img", 64 << 20);
        string table = volume.Scratch.Write("table", $"0 131072 linear {file} 0\n");
        using NbdClient client = NbdClient.Connect(volume.Socket);
        Assert.That(client.WriteAt(0, new byte[4096]), Is.Zero);
        volume.Run("reload", "vol0", "--table", table).MustSucceed();
        Assert.That(volume.Lines("table", "vol0", "--inactive"), Is.EqualTo(new[] { $"0 131072 linear {file} 0" }));
        Assert.That(volume.Lines("info", "vol0"), Does.Contain("Tables present:    LIVE & INACTIVE"));
        volume.Run("suspend", "vol0").MustSucceed();
        Assert.That(volume.Lines("info", "vol0"), Does.Contain("State:             SUSPENDED"));
        client.Send(NbdClient.Write, 0, 1 << 20, 512, Enumerable.Repeat((byte)5, 512).ToArray());
        Deadline.WaitFor(() => volume.Lines("connections").Single().Split('\t')[3] == "1", "a request that is held back");
        volume.Run("resume", "vol0").MustSucceed();
        Assert.That(client.Receive().Error, Is.Zero);
        Assert.That(client.FlushAll(), Is.Zero);
        Assert.That(volume.Lines("table", "vol0"), Is.EqualTo(new[] { $"0 131072 linear {file} 0" }));
        Assert.That(volume.Lines("deps", "vol0").Single(), Does.Contain(file));
        // The daemon holds the file's lock, which .NET would ask for.
        string there = Tool.Run("od", "-An", "-tu1", "-j", $"{1 << 20}", "-N", "1", file).MustSucceed().Output;
        Assert.That(there.Trim(), Is.EqualTo("5"));
        Assert.That(OpenFiles(volume), Does.Not.Contain(volume.Scratch["d.img"]));
        volume.Run("remove", "shaky").MustSucceed();
        Assert.That(volume.Daemon.Stop(), Is.Zero, volume.Daemon.Log);
    }

    [Test]
    public void A_loaded_table_can_be_forgotten()
    {
        using var volume = new ShakyVolume();
        string file = volume.Scratch.Sparse("new.img", 64 << 20);
        string table = volume.Scratch.Write("table", $"0 131072 linear {file} 0\n");
        volume.Run("reload", "vol0", "--table", table).MustSucceed();
        Assert.That(OpenFiles(volume), Does.Contain(file));
        volume.Run("clear", "vol0").MustSucceed();
        Assert.That(OpenFiles(volume), Does.Not.Contain(file));
        volume.Run("resume", "vol0").MustSucceed();
        Assert.That(volume.Lines("status", "vol0").Single(), Does.Contain(" mirror 2 "));
        AssertFails(
            volume.Run("reload", "vol0", "--table", volume.Scratch.Write("short", $"0 2048 linear {file} 0")), 2,
            "the new table has 2048 sectors, the device 131072");
        Assert.That(OpenFiles(volume), Does.Not.Contain(file));
    }

    // Goal: a failing leg is replaced by another without a restart, and everything is on the new one.
    [Test]
    public void Legs_are_added_replaced_and_removed()
    {
        using var volume = new ShakyVolume();
        byte[] data = [.. Enumerable.Repeat((byte)3, 1 << 20)];
        using NbdClient client = NbdClient.Connect(volume.Socket);
        Assert.That(client.WriteAt(40 << 20, data), Is.Zero);
        string spare = volume.Scratch.Sparse("spare.img", 64 << 20);
        string third = volume.Scratch.Sparse("third.img", 64 << 20);
        AssertFails(volume.Run("leg", "replace", "vol0", "2", spare), 2, "there is no leg 2; its legs are 0 d.img, 1 dm:shaky");
        volume.Run("leg", "replace", "vol0", "dm:shaky", spare).MustSucceed();
        Assert.That(volume.Lines("status", "vol0").Single(), Is.EqualTo($"0 131072 mirror 2 d.img {spare} 128/128 1 AA 1 core"));
        volume.Run("leg", "replace", "vol0", "dm:shaky", spare).MustSucceed();
        Tool.Compare(volume.Scratch["d.img"], spare);
        volume.Run("leg", "add", "vol0", third).MustSucceed();
        Deadline.WaitFor(() => volume.Lines("status", "vol0").Single().EndsWith("128/128 1 AAA 1 core"), "in sync");
        AssertFails(volume.Run("leg", "add", "vol0", third), 2, "is used by dm:vol0 already");
        volume.Run("leg", "remove", "vol0", "0").MustSucceed();
        Assert.That(
            volume.Lines("table", "vol0").Single(), Is.EqualTo($"0 131072 mirror core 1 1024 2 {spare} 0 {third} 0 1 handle_errors"));
        Assert.That(OpenFiles(volume), Does.Not.Contain(volume.Scratch["d.img"]).And.Contain(spare).And.Contain(third));
        Assert.That(client.ReadAt(40 << 20, data.Length, out byte[] back), Is.Zero);
        Assert.That(back, Is.EqualTo(data));
    }

    // Goal: what would go at another moment exits with 1, and a script knows that it may try again.
    [Test]
    public void What_does_not_go_now_is_no_mistake()
    {
        using var volume = new ShakyVolume();
        volume.LoseLeg();
        AssertFails(volume.Run("grow", "vol0", "65M"), 1, "vol0: a mirror grows while all its legs are in sync");
        AssertFails(volume.Run("leg", "fail", "vol0", "0"), 1, "vol0: leg 0 (");
        AssertFails(volume.Run("suspend", "shaky"), 1, "shaky: could not be flushed (EIO), so it was not suspended");
        volume.Run("suspend", "shaky", "--noflush").MustSucceed();
    }

    // Goal: a mapped device that is given another table while nothing stands on it can be written when it is a leg again.
    [Test]
    public void A_mapped_device_is_mended_and_becomes_a_leg_again()
    {
        using var volume = new ShakyVolume();
        string spare = volume.Scratch.Sparse("spare.img", 64 << 20);
        volume.Run("leg", "replace", "vol0", "dm:shaky", spare).MustSucceed();
        string table = volume.Scratch.Write("table", $"0 131072 linear {volume.Scratch["e.img"]} 0");
        volume.Run("reload", "shaky", "--table", table).MustSucceed();
        volume.Run("suspend", "shaky", "--noflush").MustSucceed();
        volume.Run("resume", "shaky").MustSucceed();
        volume.Run("leg", "add", "vol0", "dm:shaky").MustSucceed();
        using NbdClient client = NbdClient.Connect(volume.Socket);
        Assert.That(client.WriteAt(40 << 20, new byte[512]), Is.Zero, volume.Daemon.Log);
        Deadline.WaitFor(() => volume.Lines("status", "vol0")[0].Contains(" 128/128 1 AAA ", StringComparison.Ordinal), "three legs");
    }

    // Goal: whoever holds requests back and forgets it does not keep the daemon from a clean stop.
    [Test]
    public void A_stop_finishes_what_a_suspended_device_holds_back()
    {
        using var volume = new ShakyVolume();
        using NbdClient client = NbdClient.Connect(volume.Socket);
        volume.Run("suspend", "vol0", "--noflush").MustSucceed();
        client.Send(NbdClient.Write, 0, 0, 512, Enumerable.Repeat((byte)5, 512).ToArray());
        Deadline.WaitFor(() => volume.Lines("connections").Single().Split('\t')[3] == "1", "a request that is held back");
        volume.Daemon.Signal("TERM");
        Assert.That(client.Receive().Error, Is.Zero);
        Assert.That(volume.Daemon.WaitForExit(), Is.Zero, volume.Daemon.Log);
        Assert.That(File.ReadAllBytes(volume.Scratch["d.img"])[0], Is.EqualTo(5));
    }

    [Test]
    public void Messages_reach_their_target()
    {
        using var volume = new ShakyVolume();
        string file = volume.Scratch.Sparse("new.img", 1 << 20);
        volume.Run("create", "dusty", "--table", volume.Scratch.Write("table", $"0 2048 dust {file} 0 512")).MustSucceed();
        volume.Run("message", "dusty", "0", "addbadblock", "60").MustSucceed();
        Assert.That(volume.Lines("message", "dusty", "0", "countbadblocks").Single(), Does.Contain("1 badblock"));
        AssertFails(volume.Run("message", "vol0", "0", "hello"), 2, "takes none");
        AssertFails(volume.Run("message", "vol0", "x", "hello"), 2, "SECTOR: 'x' is no number");
    }

    private static void AssertFails(ToolResult result, int exitCode, string sentence)
    {
        Assert.That(result.ExitCode, Is.EqualTo(exitCode), $"{result.Command}\n{result.Output}{result.Error}");
        Assert.That(result.Error, Does.StartWith("dmio-nbd: ").And.Contain(sentence));
    }

    private static IEnumerable<string?> OpenFiles(ShakyVolume volume) =>
        Directory.EnumerateFiles($"/proc/{volume.Daemon.Id}/fd").Select(fd => new FileInfo(fd).LinkTarget);
}
