namespace DmIo.SideBySide.Servers;

/// <summary>One way of running one server program.</summary>
/// <param name="Name">As it stands in the table.</param>
/// <param name="Program">Name or path of the program.</param>
/// <param name="Arguments">Its arguments for a launch.</param>
internal sealed record ServerForm(string Name, string Program, Func<Launch, IEnumerable<string>> Arguments)
{
    /// <summary>The Debian package that has the program; null for the project's own.</summary>
    public string? Package { get; init; }

    public string Export { get; init; } = "";

    /// <summary>Serves two legs as one volume.</summary>
    public bool Mirrors { get; init; }

    /// <summary>Lets no other program have its legs, so that two such servers cannot be up on the same ones.</summary>
    public bool LocksLegs { get; init; }

    /// <summary>Speaks TLS alone.</summary>
    public bool Tls { get; init; }

    public bool Buffered { get; init; } = true;

    public bool Direct { get; init; }

    /// <summary>Leaves the foreground by itself and names its process in a file.</summary>
    public bool Daemonizes { get; init; }
}
