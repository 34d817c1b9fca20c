using DmIo.SideBySide.Client;
using DmIo.SideBySide.Servers;

namespace DmIo.SideBySide;

/// <summary>Publishes the daemon from the sources that this program was built from.</summary>
internal static class DaemonBuild
{
    public static string Publish(string output)
    {
        string root = FindRoot() ?? throw new NbdException("dmio-nbd.sln is in no directory above; name the daemon with --daemon");
        Console.Error.WriteLine("publishing src/DmIo.Daemon");
        _ = Tool.Run("dotnet", ["publish", Path.Combine(root, "src/DmIo.Daemon"), "-c", "Release", "-o", output, "-v", "quiet", "--nologo"]);
        return Path.Combine(output, "dmio-nbd");
    }

    private static string? FindRoot()
    {
        foreach (string start in (string[])[AppContext.BaseDirectory, Environment.CurrentDirectory])
        {
            for (DirectoryInfo? at = new(start); at is not null; at = at.Parent)
            {
                if (File.Exists(Path.Combine(at.FullName, "dmio-nbd.sln")))
                {
                    return at.FullName;
                }
            }
        }

        return null;
    }
}
