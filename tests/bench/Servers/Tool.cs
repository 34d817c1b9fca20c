using System.Diagnostics;
using DmIo.SideBySide.Client;

namespace DmIo.SideBySide.Servers;

/// <summary>Runs programs that end by themselves, and finds them.</summary>
internal static class Tool
{
    // nbd-server lives here on Debian, and not every user has it in the path.
    private static readonly string[] ExtraDirectories = ["/usr/sbin", "/sbin", "/bin"];

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
                : throw new NbdException($"{Path.GetFileName(program)} failed: {errors.Result.Trim()} {output.Trim()}");
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
}
