namespace DmIo.Daemon.Configuration;

/// <summary>Where the daemon is controlled.</summary>
/// <param name="Path">Absolute path of the control socket; null for none.</param>
/// <param name="IsDefault">Nobody named it: the daemon does without when it cannot be had.</param>
internal sealed record ControlConfiguration(string? Path, bool IsDefault)
{
    /// <summary>What is said instead of a path for no control socket.</summary>
    public const string Off = "off";

    public static ControlConfiguration Default => new(DefaultPath, IsDefault: true);

    /// <summary>The daemon is not controlled.</summary>
    public static ControlConfiguration None => new(null, IsDefault: false);

    /// <summary>Where a daemon that was told nothing is found.</summary>
    public static string DefaultPath => System.IO.Path.Combine(UserDirectories.Runtime, "control.sock");

    public static ControlConfiguration Read(string place, string text, string baseDirectory, Mistakes mistakes)
    {
        if (text == Off)
            return None;
        string path = text.Length == 0 ? text : System.IO.Path.GetFullPath(text, baseDirectory);
        return new(ListenerConfiguration.Unix(place, path, mistakes)?.UnixPath, IsDefault: false);
    }
}
