using System.Diagnostics;

namespace DmIo.Tests;

/// <summary>Programs of the host that tests need; what is missing fails the test and says what to do.</summary>
internal static class HostTool
{
    public static string Run(string program, params string[] arguments)
    {
        if (!Environment.IsPrivilegedProcess)
            Assert.Fail($"This test mounts file systems or attaches loop devices ({program}): run the tests as root.");
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            using Process process = Process.Start(start)!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode == 0)
                return output.Trim();
            Assert.Fail(
                $"{program} {string.Join(' ', arguments)} exited {process.ExitCode}: {errors.Result.Trim()}\n" +
                "In a container, run it privileged; loop devices need the kernel's loop driver (modprobe loop).");
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Fail($"{program} is missing: apt-get install -y mount util-linux");
        }
        return "";
    }
}
