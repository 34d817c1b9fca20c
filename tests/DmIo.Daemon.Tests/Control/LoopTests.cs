using System.Diagnostics;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>A volume lives on one I/O loop; whoever puts devices together need not know of loops.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class LoopTests : IDisposable
{
    private readonly Scratch _scratch = new();
    private readonly DaemonProcess _daemon;

    public LoopTests()
    {
        foreach (string file in (string[])["a.img", "b.img", "c.img", "d.img"])
            _scratch.Sparse(file, 64 << 20);
        string config = _scratch.Write("two.json", """
            {
              "stateDirectory": "state", "control": "control.sock",
              "listeners": [ { "unix": "nbd.sock" } ],
              "devices": {
                "vol0": { "table": "0 131072 mirror core 1 1024 2 a.img 0 b.img 0 1 handle_errors", "assumeClean": true },
              },
              "exports": [ { "name": "vol0" } ],
            }
            """);
        // As many loops as there are processors, so there have to be two.
        var start = new ProcessStartInfo(BuiltProgram.Path, ["serve", "--config", config]);
        start.Environment["DOTNET_PROCESSOR_COUNT"] = "2";
        _daemon = DaemonProcess.Launch(start).WaitUntilServing();
    }

    public void Dispose()
    {
        _daemon.Dispose();
        _scratch.Dispose();
    }

    // Goal: a device that was made by itself becomes a leg, with all that messages have told it, and everything ends in
    // good order.
    [Test]
    public void A_device_that_nobody_uses_goes_to_the_mirror_that_takes_it()
    {
        Create("dusty", $"0 131072 dust {_scratch["c.img"]} 0 4096");
        Run("message", "dusty", "0", "addbadblock", "60").MustSucceed();
        Run("message", "dusty", "0", "quiet").MustSucceed();
        AssertApart("dusty");
        Run("leg", "add", "vol0", "dm:dusty").MustSucceed();
        Assert.That(LoopOf("dusty"), Is.EqualTo(LoopOf("vol0")));
        WaitForStatus("0 131072 mirror 3 a.img b.img dm:dusty 128/128 1 AAA 1 core");
        Assert.That(Lines("message", "dusty", "0", "listbadblocks"), Is.EqualTo(new[] { "60" }));
        Assert.That(Lines("status", "dusty").Single(), Does.EndWith("bypass quiet"));
        Assert.That(Lines("ls"), Is.EqualTo(new[] { "dusty", "vol0" }), "each behind those that it stands on");
        AssertStopsWell();
        Tool.Compare(_scratch["a.img"], _scratch["c.img"]);
    }

    // Goal: a log of writes is one log, before and after.
    [Test]
    public void A_log_of_writes_goes_on()
    {
        Create("logged", $"0 131072 log-writes {_scratch["c.img"]} {_scratch.Sparse("log.img", 256 << 20)}");
        Run("message", "logged", "0", "mark", "before").MustSucceed();
        AssertApart("logged");
        Run("leg", "add", "vol0", "dm:logged").MustSucceed();
        WaitForStatus("0 131072 mirror 3 a.img b.img dm:logged 128/128 1 AAA 1 core");
        Run("message", "logged", "0", "mark", "behind").MustSucceed();
        AssertStopsWell();
        string[] marks = [.. Tool.Run(BuiltProgram.Path, "replay-log", _scratch["log.img"], "--list").MustSucceed().Output
            .Split('\n').Where(line => line.Contains("MARK", StringComparison.OrdinalIgnoreCase))];
        Assert.That(marks, Has.Length.EqualTo(3), string.Join('\n', marks));
        Assert.That(marks[0], Does.Contain("before"));
        Assert.That(marks[1], Does.Contain("behind"));
    }

    // Goal: a whole stack moves, from the ground up, and what shares a file with it.
    [Test]
    public void A_leg_is_replaced_by_a_stack_of_devices()
    {
        string file = _scratch.Sparse("long.img", 128 << 20);
        Create("ground", $"0 131072 linear {file} 0");
        Create("beside", $"0 131072 linear {file} 131072");
        Create("top", "0 131072 delay dm:ground 0 0");
        AssertApart("top");
        using NbdClient client = NbdClient.Connect(_scratch["nbd.sock"]);
        Assert.That(client.WriteAt(1 << 20, [.. Enumerable.Repeat((byte)7, 4096)]), Is.Zero);
        Run("leg", "replace", "vol0", "1", "dm:top").MustSucceed();
        Assert.That(Lines("status", "vol0").Single(), Is.EqualTo("0 131072 mirror 2 a.img dm:top 128/128 1 AA 1 core"));
        foreach (string name in (string[])["ground", "beside", "top"])
            Assert.That(LoopOf(name), Is.EqualTo(LoopOf("vol0")), name);
        Run("export", "add", "beside").MustSucceed();
        using (NbdClient beside = NbdClient.Connect(_scratch["nbd.sock"], "beside"))
            Assert.That(beside.WriteAt(0, new byte[512]), Is.Zero);
        AssertStopsWell();
        Tool.Run("cmp", "-n", $"{64 << 20}", _scratch["a.img"], file).MustSucceed();
    }

    [Test]
    public void A_table_that_is_loaded_may_name_any_device()
    {
        Create("other", $"0 131072 linear {_scratch["c.img"]} 0");
        AssertApart("other");
        Load("0 131072 linear dm:other 0");
        Assert.That(LoopOf("other"), Is.EqualTo(LoopOf("vol0")));
        Run("resume", "vol0").MustSucceed();
        using NbdClient client = NbdClient.Connect(_scratch["nbd.sock"]);
        Assert.That(client.WriteAt(0, [.. Enumerable.Repeat((byte)7, 4096)]), Is.Zero);
        AssertStopsWell();
        Assert.That(File.ReadAllBytes(_scratch["c.img"])[4095], Is.EqualTo(7));
    }

    // Goal: what clients use stays where it is; the sentence says what to do, and that helps.
    [Test]
    public void Two_exports_on_different_loops_are_refused_until_one_is_removed()
    {
        Create("other", $"0 131072 linear {_scratch["c.img"]} 0");
        Run("export", "add", "other", "--read-only").MustSucceed();
        ToolResult refused = Run("leg", "add", "vol0", "dm:other");
        Assert.That(refused.ExitCode, Is.EqualTo(1), refused.Error);
        Assert.That(refused.Error, Is.EqualTo(
            "dmio-nbd: vol0: dm:vol0 is exported as 'vol0', and dm:other is exported as 'other': they live on different I/O "
            + "loops, and what is in use stays on its own; export remove other first, or put all of it into one "
            + "configuration\n"));
        AssertApart("other");
        // Whichever of them is free may go to the other.
        Run("export", "remove", "vol0").MustSucceed();
        int loop = LoopOf("other");
        Run("leg", "add", "vol0", "dm:other").MustSucceed();
        Assert.That(LoopOf("vol0"), Is.EqualTo(loop));
        WaitForStatus("0 131072 mirror 3 a.img b.img dm:other 128/128 1 AAA 1 core");
        Run("export", "remove", "other").MustSucceed();
        Run("export", "add", "vol0").MustSucceed();
        using NbdClient client = NbdClient.Connect(_scratch["nbd.sock"]);
        Assert.That(client.WriteAt(0, [.. Enumerable.Repeat((byte)7, 4096)]), Is.Zero);
        AssertStopsWell();
        Tool.Compare(_scratch["a.img"], _scratch["c.img"]);
    }

    // Goal: what is at work stays too, and is not disturbed.
    [Test]
    public void A_suspended_device_is_not_moved()
    {
        Create("other", $"0 131072 linear {_scratch["c.img"]} 0");
        Run("suspend", "other").MustSucceed();
        ToolResult refused = Run("leg", "add", "vol0", "dm:other");
        Assert.That(refused.ExitCode, Is.EqualTo(1), refused.Error);
        Assert.That(refused.Error, Does.Contain("dm:other is suspended or has a loaded table").And.Contain("resume other"));
        Run("resume", "other").MustSucceed();
        Run("leg", "add", "vol0", "dm:other").MustSucceed();
        AssertStopsWell();
    }

    // Goal: devices that live apart are brought together by a new one over them.
    [Test]
    public void A_new_device_may_stand_on_devices_of_different_loops()
    {
        Run("export", "remove", "vol0").MustSucceed();
        Create("other", $"0 131072 linear {_scratch["c.img"]} 0");
        AssertApart("other");
        Create("both", "0 131072 linear dm:vol0 0\n131072 131072 linear dm:other 0");
        Assert.That((LoopOf("vol0"), LoopOf("other")), Is.EqualTo((LoopOf("both"), LoopOf("both"))));
        AssertStopsWell();
    }

    private void Create(string name, string table) =>
        Run("create", name, "--table", _scratch.Write("table", table)).MustSucceed();

    private void Load(string table) => Run("reload", "vol0", "--table", _scratch.Write("table", table)).MustSucceed();

    private void AssertApart(string name) =>
        Assert.That(LoopOf(name), Is.Not.EqualTo(LoopOf("vol0")), "the test wants devices on two loops");

    private void AssertStopsWell()
    {
        Assert.That(_daemon.Stop(), Is.Zero, _daemon.Log);
        Assert.That(_daemon.Log, Does.Not.Contain(" ERR ").And.Not.Contain(" failed"));
    }

    private void WaitForStatus(string status) =>
        Deadline.WaitFor(() => Lines("status", "vol0").Single() == status, status);

    private int LoopOf(string name) =>
        ControlTool.Json(_scratch["control.sock"], "status", name).GetProperty("loop").GetInt32();

    private ToolResult Run(params string[] verb) => ControlTool.Run(_scratch["control.sock"], verb);

    private string[] Lines(params string[] verb) => ControlTool.Lines(_scratch["control.sock"], verb);
}
