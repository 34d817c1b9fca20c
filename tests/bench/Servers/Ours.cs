namespace DmIo.SideBySide.Servers;

/// <summary>The project's own daemon in its two forms.</summary>
internal static class Ours
{
    public const string Name = "dmio-nbd";

    public static ServerForm Linear(string program, string? backend) =>
        new(Name, program, l => ["serve", "--linear", l.Legs[0], .. Common(l, backend)]) { Direct = true };

    public static ServerForm Mirror(string program, string? backend) =>
        new(Name, program, l => ["serve", "--mirror", .. l.Legs, "--assume-clean", .. Common(l, backend)])
        {
            Mirrors = true,
            Direct = true,
        };

    private static List<string> Common(Launch launch, string? backend)
    {
        List<string> arguments =
            ["--export", "", "--unix", launch.Socket, "--state-dir", Path.Combine(launch.Directory, "state")];
        if (launch.Direct)
        {
            arguments.Add("--direct");
        }

        if (backend is not null)
        {
            arguments.AddRange(["--io-backend", backend]);
        }

        return arguments;
    }
}
