namespace DmIo.Daemon.Configuration;

/// <summary>Where the daemon keeps what it was not told a place for.</summary>
internal static class UserDirectories
{
    private const string Folder = "dmio-nbd";

    /// <summary>
    /// What lasts: systemd's StateDirectory=, /var/lib for root, the XDG base directory for everyone else.
    /// </summary>
    public static string State
    {
        get
        {
            if (FromSystemd("STATE_DIRECTORY") is { } given)
                return given;
            if (Environment.IsPrivilegedProcess)
                return $"/var/lib/{Folder}";
            string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            return Path.Combine(Absolute("XDG_STATE_HOME") ?? Path.Combine(home, ".local/state"), Folder);
        }
    }

    /// <summary>What lasts as long as the machine runs: the Unix socket.</summary>
    public static string Runtime
    {
        get
        {
            if (FromSystemd("RUNTIME_DIRECTORY") is { } given)
                return given;
            if (Environment.IsPrivilegedProcess)
                return $"/run/{Folder}";
            // Without a session there is no runtime directory; the state directory is the user's own at least.
            return Absolute("XDG_RUNTIME_DIR") is { } runtime ? Path.Combine(runtime, Folder) : State;
        }
    }

    // systemd gives several directories separated by colons; the first is the unit's own.
    private static string? FromSystemd(string variable) =>
        Environment.GetEnvironmentVariable(variable)?.Split(':')[0] is { Length: > 0 } path ? path : null;

    // The specification says to ignore relative paths.
    private static string? Absolute(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { } path && path.StartsWith('/') ? path : null;
}
