using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>
/// The README's walk, break a leg and watch it heal, as a person takes it: at a terminal. Without one ReadmeTests takes it.
/// </summary>
public sealed class WalkTests
{
    private const string Section = "Break a leg and watch it heal";
    private const string Green = "\u001b[38;5;2m";
    private const string Red = "\u001b[38;5;9m";

    // One terminal for what serves, one for what is typed.
    private Scratch _scratch = null!;
    private Terminal _server = null!;
    private Terminal _terminal = null!;

    [SetUp]
    public void Sit()
    {
        _scratch = new Scratch();
        Directory.CreateDirectory(_scratch["out"]);
        Directory.CreateDirectory(_scratch["srv"]);
        // The page's program at a control socket of its own.
        string program = _scratch.Write(
            "out/dmio-nbd", $"#!/bin/sh\nexec {BuiltProgram.Path} \"$@\" --control {_scratch["control.sock"]}\n");
        File.SetUnixFileMode(program, (UnixFileMode)0b111_101_101);
        _server = new Terminal(_scratch, "server");
        _terminal = new Terminal(_scratch, "walker");
    }

    [TearDown]
    public void Leave()
    {
        _terminal.Dispose();
        _server.Dispose();
        _scratch.Dispose();
    }

    // Goal: every command of the page ends well at a terminal too, where letters have words and colours, and --watch shows
    // the leg leave and come back, until Ctrl-C.
    [Test]
    public void The_walk_is_taken_at_a_terminal()
    {
        foreach (ReadmeBlock block in ReadmeBlock.Read(Section))
        {
            switch (block.Language, block.Kind)
            {
                case ("json", _):
                    _scratch.Write(Here(block.Kind)[(_scratch.Directory.Length + 1)..], Here(block.Text));
                    break;
                case ("sh", "serve"):
                    _server.Type(Here(block.Text).Trim());
                    _server.WaitFor(screen => screen.Contains("nbd-client", StringComparison.Ordinal), "the daemon serves");
                    break;
                case ("sh", "watch"):
                    Watch(Here(block.Text).Trim());
                    break;
                case ("sh", _):
                    foreach (string line in Here(block.Text).Trim().Split('\n'))
                        Command(line);
                    break;
            }
        }
        _server.Press("C-c");
        Assert.That(_server.WaitForEnd().ExitCode, Is.Zero, _server.Screen);
        Tool.Compare(_scratch["srv/w.img"], _scratch["srv/x.img"]);
    }

    // Goal: what takes long shows a bar that moves, and Ctrl-C ends it in good order.
    [Test]
    public void A_check_shows_how_far_it_is()
    {
        using var volume = new Volume();
        volume.Serve();
        _terminal.Type($"{BuiltProgram.Path} check vol0 --rate 16M --control {volume.Control}");
        _terminal.WaitFor(
            screen => screen.Contains("vol0 \u2501", StringComparison.Ordinal) && screen.Contains("B/s", StringComparison.Ordinal),
            "a bar and its speed");
        _terminal.Press("C-c");
        (int exitCode, string shown) = _terminal.WaitForEnd();
        Assert.That(exitCode, Is.EqualTo(1), shown);
        Assert.That(shown, Does.Contain("interrupted; run it again to go on"));
        Assert.That(_terminal.HasCursor);
        (exitCode, shown) = _terminal.Run($"{BuiltProgram.Path} check vol0 --control {volume.Control}");
        Assert.That(exitCode, Is.Zero, shown);
        Assert.That(shown, Does.Contain("100%").And.Contain("the legs are identical"));
    }

    private void Command(string line)
    {
        (int exitCode, string screen) = _terminal.Run(line);
        Assert.That(exitCode, Is.Zero, screen);
        if (!line.Contains("status vol0", StringComparison.Ordinal) || line.Contains('|', StringComparison.Ordinal))
            return;
        bool isWhole = screen.Contains("128/128 regions, 100%", StringComparison.Ordinal);
        Assert.That(screen, Does.Contain("A alive").And.Contain(isWhole ? "R read errors" : "D lacks writes"));
        Assert.That(_terminal.Coloured, Does.Contain(Green + "A alive"));
        if (!isWhole)
            Assert.That(_terminal.Coloured, Does.Contain(Red + "D lacks writes"));
    }

    // The map has a cell for each of the volume's regions or more of them; the leg lacks some, in red.
    private void Watch(string command)
    {
        _terminal.Run("clear");
        _terminal.Type(command);
        _terminal.WaitFor(
            screen => screen.Contains("D lacks writes", StringComparison.Ordinal)
                && screen.Contains(new string('\u2588', 16), StringComparison.Ordinal), "the leg and the map");
        string coloured = _terminal.Coloured;
        Assert.That(coloured, Does.Contain(Red + "D lacks writes").And.Contain(Red + "\u2588"));
        Assert.That(_terminal.Screen, Does.Contain("latency").And.Contain("MiB/s"));
        _terminal.Press("C-c");
        (int exitCode, string screen) = _terminal.WaitForEnd();
        Assert.That(exitCode, Is.EqualTo(128 + 2), screen);
        Assert.That(screen, Does.Contain("D lacks writes"), "what was seen last stays");
        Assert.That(_terminal.HasCursor, "the cursor is back");
    }

    private string Here(string text) => text.Replace("/srv/", $"{_scratch["srv"]}/", StringComparison.Ordinal);
}
