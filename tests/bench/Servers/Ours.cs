namespace DmIo.SideBySide.Servers;

/// <summary>The project's own daemon in its two forms.</summary>
internal static class Ours
{
    public const string Name = "dmio-nbd";

    /// <summary>Another build of the daemon, as it stands in the table.</summary>
    public const string OtherBuild = "other build";

    public static ServerForm Linear(string program, string? backend) =>
        new(Name, program, l => ["serve", "--linear", l.Legs[0], .. Common(l, backend)]) { LocksLegs = true, Direct = true };

    public static ServerForm Mirror(string program, string? backend) =>
        new(Name, program, l => ["serve", "--mirror", .. l.Legs, "--assume-clean", .. Common(l, backend)])
        {
            LocksLegs = true,
            Mirrors = true,
            Direct = true,
        };

    /// <summary>A mirror whose regions are as small as the blocks that are written, or as large as they usually are.</summary>
    public static ServerForm Logged(string program, string? backend, string? region, bool onDevice)
    {
        ServerForm mirror = Mirror(program, backend);
        return mirror with
        {
            Name = onDevice ? "disk log" : "core log",
            Arguments = l =>
            [
                .. mirror.Arguments(l),
                .. region is null ? [] : (string[])["--region-size", region, "--clean-after", "1"],
                .. onDevice ? (string[])["--log", l.Log] : [],
            ],
        };
    }

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
