using System.Globalization;
using DmIo.SideBySide.Cells;
using DmIo.SideBySide.Client;
using DmIo.SideBySide.Servers;
using DmIo.SideBySide.Studies;

namespace DmIo.SideBySide;

/// <summary>The command line.</summary>
internal sealed class Options
{
    public const string Usage = """
        Usage: SideBySide [--only CELL[,CELL...]] [--rounds N] [--ms N] [--seed N] [--daemon PATH]
                          [--backend auto|io_uring|threads] [--size-mb N] [--disk-dir DIR] [--list]
                          [--against PATH | --stand-in PEER]
        A cell may end in * and then names all that begin so. See README.md beside the project.
        """;

    private Options()
    {
    }

    public int Rounds { get; private set; } = 10;

    public int TurnMs { get; private set; } = 600;

    public int Seed { get; private set; } = Random.Shared.Next();

    public long LegBytes { get; private set; } = 512L << 20;

    /// <summary>/var/tmp, since /tmp is often in memory.</summary>
    public string DiskDirectory { get; private set; } = "/var/tmp";

    /// <summary>The daemon's program; null to publish it from the sources.</summary>
    public string? Daemon { get; private set; }

    public string? Backend { get; private set; }

    /// <summary>A peer that takes our place: tells how far two equal servers lie apart.</summary>
    public string? StandIn { get; private set; }

    /// <summary>Another build of the daemon, which takes the place of all peers.</summary>
    public string? Against { get; private set; }

    public bool List { get; private set; }

    public IReadOnlyList<Cell> Chosen { get; private set; } = Catalogue.All;

    public IReadOnlyList<Study> Studies { get; private set; } = Study.All;

    public bool Idle { get; private set; } = true;

    public static Options Parse(IReadOnlyList<string> arguments)
    {
        Options options = new();
        for (int i = 0; i < arguments.Count; i++)
        {
            string Value() => ++i < arguments.Count
                ? arguments[i]
                : throw new NbdException($"{arguments[i - 1]} wants a value");
            int Number(int least) =>
                int.TryParse(Value(), NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least
                    ? number
                    : throw new NbdException($"{arguments[i - 1]} wants a number of at least {least}, not {arguments[i]}");

            switch (arguments[i])
            {
                case "--only": options.Choose(Value().Split(',')); break;
                case "--rounds": options.Rounds = Number(1); break;
                case "--ms": options.TurnMs = Number(1); break;
                case "--seed": options.Seed = Number(0); break;
                case "--daemon": options.Daemon = Path.GetFullPath(Value()); break;
                case "--backend": options.Backend = Among(Value(), "auto", "io_uring", "threads"); break;
                case "--size-mb": options.LegBytes = (long)Number(16) << 20; break;
                case "--disk-dir": options.DiskDirectory = Path.GetFullPath(Value()); break;
                case "--stand-in": options.StandIn = Among(Value(), [.. Peers.All.Select(p => p.Name)]); break;
                case "--against": options.Against = Path.GetFullPath(Value()); break;
                case "--list": options.List = true; break;
                default: throw new NbdException($"unknown argument {arguments[i]}");
            }
        }

        if (options.Daemon is not null && !File.Exists(options.Daemon))
        {
            throw new NbdException($"{options.Daemon} does not exist; leave --daemon away to publish it from the sources");
        }

        if (options.Against is not null && !File.Exists(options.Against))
        {
            throw new NbdException($"{options.Against} does not exist");
        }

        return options;
    }

    private static string Among(string value, params string[] known) => known.Contains(value)
        ? value
        : throw new NbdException($"{value} is none of {string.Join(", ", known)}");

    private void Choose(string[] patterns)
    {
        string? unknown = Array.Find(patterns, p => !Matches(p, Catalogue.Idle)
            && !Catalogue.All.Any(c => Matches(p, c.Name)) && !Study.All.Any(s => Matches(p, s.Name)));
        if (unknown is not null)
        {
            throw new NbdException($"no cell {unknown}; --list names them");
        }

        Chosen = [.. Catalogue.All.Where(c => patterns.Any(p => Matches(p, c.Name)))];
        Studies = [.. Study.All.Where(s => patterns.Any(p => Matches(p, s.Name)))];
        Idle = patterns.Any(p => Matches(p, Catalogue.Idle));
    }

    private static bool Matches(string pattern, string name) => pattern.EndsWith('*')
        ? name.StartsWith(pattern[..^1], StringComparison.Ordinal)
        : name == pattern;
}
