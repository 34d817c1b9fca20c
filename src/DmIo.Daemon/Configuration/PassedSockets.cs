using System.Globalization;
using DmIo.Nbd;

namespace DmIo.Daemon.Configuration;

/// <summary>The sockets that a service manager has passed to this process (sd_listen_fds(3)).</summary>
internal sealed class PassedSockets
{
    /// <summary>Says how many there are.</summary>
    public const string Variable = "LISTEN_FDS";

    private const string PidVariable = "LISTEN_PID";
    private const string NamesVariable = "LISTEN_FDNAMES";
    private const string PidFdVariable = "LISTEN_PIDFDID";

    // SD_LISTEN_FDS_START: behind standard input, output and error.
    private const int First = 3;

    private readonly string? _problem;
    private readonly string[] _names;

    private PassedSockets(int count, string[] names, string? problem)
    {
        Count = count;
        _names = names;
        _problem = problem;
    }

    /// <summary>How many there are; 1 at least when that cannot be understood, so that it is told.</summary>
    public int Count { get; }

    /// <summary>Their descriptors.</summary>
    public IEnumerable<int> Descriptors => Enumerable.Range(First, Count);

    /// <summary>
    /// Takes them from the environment, where nobody else finds them then: not the programs that this one starts either.
    /// </summary>
    public static PassedSockets Take()
    {
        string? pid = Take(PidVariable);
        string? count = Take(Variable);
        string? names = Take(NamesVariable);
        Take(PidFdVariable);
        // Of another process, from which the environment was inherited.
        if (count is null || pid != Environment.ProcessId.ToString(CultureInfo.InvariantCulture))
            return new(0, [], null);
        return ushort.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out ushort number)
            ? new(number, names?.Split(':') ?? [], null)
            : new(1, [], $"'{count}' is no number of sockets; start the daemon by a service manager, or without it");
    }

    /// <summary>A listener for each; those that are of no use are among the mistakes.</summary>
    public IReadOnlyList<ListenerConfiguration> Open(Mistakes mistakes)
    {
        var listeners = new List<ListenerConfiguration>();
        if (_problem is not null)
        {
            mistakes.Add(Variable, _problem);
            return listeners;
        }
        for (int i = 0; i < Count; i++)
        {
            try
            {
                listeners.Add(ListenerConfiguration.Of(Variable, PassedSocket.Open(First + i, _names.ElementAtOrDefault(i) ?? "")));
            }
            catch (NbdListenException e)
            {
                mistakes.Add(Variable, e.Message);
            }
        }
        return listeners;
    }

    private static string? Take(string variable)
    {
        string? value = Environment.GetEnvironmentVariable(variable);
        Environment.SetEnvironmentVariable(variable, null);
        return value;
    }
}
