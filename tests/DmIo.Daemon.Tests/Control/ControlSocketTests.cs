using System.Diagnostics;
using System.Text.Json;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>The control socket itself, and HTTP over it.</summary>
public sealed class ControlSocketTests
{
    [Test]
    public void It_is_for_its_user_alone_and_gone_after_a_stop()
    {
        using var volume = new Volume();
        DaemonProcess daemon = volume.Serve();
        Assert.That(File.GetUnixFileMode(volume.Control), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.That(daemon.Log, Does.Contain($"control socket: {volume.Control}"));
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        Assert.That(File.Exists(volume.Control), Is.False);
    }

    [Test]
    public void Off_is_none()
    {
        using var volume = new Volume();
        using DaemonProcess daemon =
            DaemonProcess.Serve([.. volume.Arguments[..^2], "--create", "--control", "off"]);
        Assert.That(daemon.Log, Does.Not.Contain("control"));
        Assert.That(File.Exists(volume.Control), Is.False);
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
    }

    // Goal: the daemon that has the socket keeps it; the other says what to do, and has made nothing.
    [Test]
    public void A_socket_that_was_asked_for_and_is_another_daemons_is_an_error()
    {
        using var volume = new Volume();
        DaemonProcess first = volume.Serve();
        using var scratch = new Scratch();
        ToolResult second = Tool.Run(BuiltProgram.Path,
            "serve", "--mirror", scratch["a"], scratch["b"], "--create", "--size", "1M", "--unix", scratch["nbd.sock"],
            "--state-dir", scratch["state"], "--control", volume.Control);
        Assert.That(second.ExitCode, Is.EqualTo(1));
        Assert.That(second.Error, Does.Contain(
            $"dmio-nbd: {volume.Control}: another daemon is controlled there; give this one a control socket of its own"));
        Assert.That(Directory.EnumerateFileSystemEntries(scratch.Directory), Is.Empty);
        Assert.That(ControlTool.Lines(volume.Control, "ls"), Is.EqualTo(new[] { "vol0" }));
        Assert.That(first.Stop(), Is.Zero, first.Log);
    }

    // Goal: nobody asked for the default: a second daemon serves without, and says so once.
    [Test]
    public void A_default_socket_that_is_another_daemons_is_done_without()
    {
        using var scratch = new Scratch();
        Directory.CreateDirectory(scratch["run"]);
        string control = scratch["run/control.sock"];
        using DaemonProcess first = LaunchInRuntime(scratch, "one").WaitUntilServing();
        Assert.That(ControlTool.Lines(control, "ls"), Is.EqualTo(new[] { "one" }));
        using DaemonProcess second = LaunchInRuntime(scratch, "two").WaitUntilServing();
        Assert.That(second.LogLines, Has.Exactly(1).Contains($"WRN there is no control socket: {control}: another daemon"));
        Assert.That(second.Stop(), Is.Zero, second.Log);
        Assert.That(ControlTool.Lines(control, "ls"), Is.EqualTo(new[] { "one" }));
        Assert.That(first.Stop(), Is.Zero, first.Log);
    }

    [Test]
    public void A_socket_that_a_killed_daemon_left_is_replaced()
    {
        using var volume = new Volume();
        volume.Serve().Kill();
        Assert.That(File.Exists(volume.Control));
        DaemonProcess again = volume.Serve();
        Assert.That(ControlTool.Lines(volume.Control, "ls"), Is.EqualTo(new[] { "vol0" }));
        Assert.That(again.Stop(), Is.Zero, again.Log);
    }

    [Test]
    public void A_path_that_cannot_be_is_an_error_with_a_remedy()
    {
        using var volume = new Volume();
        string file = volume.Scratch.Write("file", "kept");
        ToolResult taken = Tool.Run(
            BuiltProgram.Path, ["serve", .. volume.Arguments[..^2], "--create", "--control", file]);
        Assert.That(taken.ExitCode, Is.EqualTo(1));
        Assert.That(taken.Error, Does.Contain($"{file} is there and is no socket; name another control socket"));
        Assert.That(File.ReadAllText(file), Is.EqualTo("kept"));
        ToolResult missing = Tool.Run(
            BuiltProgram.Path, ["serve", .. volume.Arguments[..^2], "--create", "--control", volume.Scratch["no/c.sock"]]);
        Assert.That(missing.ExitCode, Is.EqualTo(1));
        Assert.That(missing.Error, Does.Contain("name another control socket (--control PATH), or none (--control off)"));
    }

    // Goal: any HTTP client will do, and every error is a problem document with the verb's sentence.
    [Test]
    public void Curl_gets_documents_and_problems()
    {
        using var volume = new ShakyVolume();
        (int status, string type, string body) = ControlTool.Curl(volume.Control, "/v1/volumes/vol0");
        Assert.That((status, type), Is.EqualTo((200, "application/json")));
        Assert.That(JsonDocument.Parse(body).RootElement.GetProperty("lengthSectors").GetInt64(), Is.EqualTo(131072));
        (string Path, string[] More, int Status)[] wrong =
        [
            ("/v1/volumes/vol1", [], 404), ("/v1/nothing", [], 404), ("/v1/volumes", ["-X", "DELETE"], 405),
            ("/v1/volumes/vol0/wait?above=x", [], 400), ("/v1/events?follow=perhaps", [], 400),
        ];
        foreach ((string path, string[] more, int expected) in wrong)
        {
            (status, type, body) = ControlTool.Curl(volume.Control, path, more);
            Assert.That((status, type), Is.EqualTo((expected, "application/problem+json")), path);
            JsonElement problem = JsonDocument.Parse(body).RootElement;
            Assert.That(problem.GetProperty("status").GetInt32(), Is.EqualTo(expected));
            Assert.That(problem.GetProperty("title").GetString(), Is.Not.Empty);
            Assert.That(problem.GetProperty("detail").GetString(), Is.Not.Empty);
        }
        string sentence = JsonDocument.Parse(ControlTool.Curl(volume.Control, "/v1/volumes/vol1").Body).RootElement
            .GetProperty("detail").GetString()!;
        Assert.That(volume.Run("info", "vol1").Error, Is.EqualTo($"dmio-nbd: {sentence}\n"));
    }

    // Goal: what is described is what is there: every path that needs no name answers, and every schema is defined.
    [Test]
    public void The_description_is_true()
    {
        using var volume = new ShakyVolume();
        (int status, _, string body) = ControlTool.Curl(volume.Control, "/openapi.json");
        Assert.That(status, Is.EqualTo(200));
        JsonElement document = JsonDocument.Parse(body).RootElement;
        Assert.That(document.GetProperty("openapi").GetString(), Does.StartWith("3.1"));
        JsonElement schemas = document.GetProperty("components").GetProperty("schemas");
        foreach (string name in References(document))
            Assert.That(schemas.TryGetProperty(name, out _), name);
        foreach (JsonProperty path in document.GetProperty("paths").EnumerateObject())
        {
            if (!path.Name.Contains('{', StringComparison.Ordinal) && path.Value.TryGetProperty("get", out _))
                Assert.That(ControlTool.Curl(volume.Control, path.Name).Status, Is.EqualTo(200), path.Name);
        }
    }

    private static IEnumerable<string> References(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(p =>
            p.Name == "$ref" ? [p.Value.GetString()!.Split('/')[^1]] : References(p.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(References),
        _ => [],
    };

    private static DaemonProcess LaunchInRuntime(Scratch scratch, string name)
    {
        var start = new ProcessStartInfo(BuiltProgram.Path,
        [
            "serve", "--linear", scratch.Sparse(name, 1 << 20), "--export", name, "--unix", scratch[$"{name}.sock"],
        ]);
        start.Environment["RUNTIME_DIRECTORY"] = scratch["run"];
        return DaemonProcess.Launch(start);
    }
}
