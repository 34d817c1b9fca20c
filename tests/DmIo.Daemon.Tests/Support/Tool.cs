using System.Diagnostics;

namespace DmIo.Daemon.Tests;

/// <summary>Runs other programs to their end.</summary>
public static class Tool
{
    // Long enough for hundreds of MiB on a slow and busy machine.
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(5);

    public static ToolResult Run(string program, params string[] arguments) =>
        Run(new Dictionary<string, string?>(), program, arguments);

    /// <summary>Runs a program with changed environment variables; null removes one.</summary>
    public static ToolResult Run(Dictionary<string, string?> environment, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        foreach ((string name, string? value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        string command = $"{program} {string.Join(' ', arguments)}";
        if (!process.WaitForExit(Bound))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException(
                $"Not done within {Bound.TotalSeconds} s: {command}\n{output.Result}\n{error.Result}");
        }
        return new ToolResult(command, process.ExitCode, output.Result, error.Result);
    }

    /// <summary>Fails the test unless two files have the same bytes.</summary>
    public static void Compare(string a, string b) => Run("cmp", a, b).MustSucceed();
}
