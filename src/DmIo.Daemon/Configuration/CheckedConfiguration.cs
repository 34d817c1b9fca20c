namespace DmIo.Daemon.Configuration;

/// <summary>A configuration without mistakes, in the order in which its parts are brought to life.</summary>
internal sealed record CheckedConfiguration
{
    public required ServeConfiguration Source { get; init; }

    /// <summary>Each behind those that it stands on.</summary>
    public required IReadOnlyList<CheckedDevice> Devices { get; init; }

    public required IReadOnlyList<CheckedExport> Exports { get; init; }

    /// <summary>How the files and disks are used, by the words that tables and exports have for them.</summary>
    public required IReadOnlyDictionary<string, LegUse> Legs { get; init; }

    /// <summary>How many loops there are; devices say which one is theirs.</summary>
    public required int Loops { get; init; }
}
