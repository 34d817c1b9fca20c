using System.Text.Json;

namespace DmIo.Daemon.Tests;

/// <summary>The program's verbs, and curl, at a control socket.</summary>
public static class ControlTool
{
    /// <summary>Runs a verb to its end.</summary>
    public static ToolResult Run(string socket, params string[] verb) =>
        Tool.Run(BuiltProgram.Path, [.. verb, "--control", socket]);

    /// <summary>The lines that a verb prints; fails the test when it fails.</summary>
    public static string[] Lines(string socket, params string[] verb) =>
        Run(socket, verb).MustSucceed().Output.Split('\n')[..^1];

    /// <summary>A document that a verb prints with --json.</summary>
    public static JsonElement Json(string socket, params string[] verb) =>
        JsonDocument.Parse(Run(socket, [.. verb, "--json"]).MustSucceed().Output).RootElement;

    /// <summary>What curl gets, its status behind it.</summary>
    public static (int Status, string ContentType, string Body) Curl(string socket, string path, params string[] more)
    {
        string[] arguments =
            ["-sS", "--unix-socket", socket, "-w", "\n%{http_code} %{content_type}", $"http://localhost{path}", .. more];
        string output = Tool.Run("curl", arguments).MustSucceed().Output;
        int end = output.LastIndexOf('\n');
        string[] words = output[(end + 1)..].Split(' ', 2);
        return (int.Parse(words[0]), words[1], output[..end]);
    }
}
