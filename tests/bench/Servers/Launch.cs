namespace DmIo.SideBySide.Servers;

/// <summary>
/// What a server is started on: its socket, its legs and a file for a log on the same medium, a directory of its own, and
/// how it opens the legs.
/// </summary>
internal sealed record Launch(string Socket, IReadOnlyList<string> Legs, string Log, string Directory, bool Direct)
{
    /// <summary>Where a server that speaks TLS, and its clients, find certificates.</summary>
    public string Certificates => Path.Combine(Directory, "pki");

    /// <summary>Where a server that puts itself into the background writes its process id.</summary>
    public string ProcessIdFile => Path.Combine(Directory, "pid");
}
