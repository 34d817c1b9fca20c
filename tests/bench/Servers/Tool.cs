using System.Diagnostics;
using DmIo.SideBySide.Client;

namespace DmIo.SideBySide.Servers;

/// <summary>Runs programs that end by themselves, and finds them.</summary>
internal static class Tool
{
    private const int MaximumMessage = 1000; // Arbitrary: enough for the cause, too short for a whole log.

    // Servers are sometimes installed here, and not every user has it in the path.
    private static readonly string[] ExtraDirectories = ["/usr/sbin", "/sbin"];

    /// <summary>Full path of a program, or null.</summary>
    public static string? Find(string program)
    {
        IEnumerable<string> directories =
            (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Concat(ExtraDirectories);
        return directories.Where(d => d.Length > 0).Select(d => Path.Combine(d, program)).FirstOrDefault(File.Exists);
    }

    /// <summary>Runs to the end; throws with the program's own words if it fails.</summary>
    public static string Run(string program, IEnumerable<string> arguments, bool tolerant = false)
    {
        ProcessStartInfo info = new(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        using Process process = Children.Start(info);
        try
        {
            process.StandardInput.Close();
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            if (tolerant)
            {
                return output + errors.Result;
            }

            return process.ExitCode == 0
                ? output
                : throw new NbdException($"{Path.GetFileName(program)} failed: {FirstWords(errors.Result, output)}");
        }
        finally
        {
            if (process.HasExited)
            {
                Children.Forget(process.Id);
            }
            else
            {
                Children.End(process.Id);
            }
        }
    }

    private static string FirstWords(string errors, string output)
    {
        string said = (string.IsNullOrWhiteSpace(errors) ? output : errors).Trim();
        return said.Length > MaximumMessage ? said[..MaximumMessage] + " ..." : said;
    }
}
