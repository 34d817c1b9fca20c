using System.Globalization;
using DmIo.SideBySide.Cells;
using DmIo.SideBySide.Client;
using DmIo.SideBySide.Servers;

namespace DmIo.SideBySide.Measure;

/// <summary>
/// Measures one cell: every server is up all the time, each round gives each of them one turn, in an order
/// shuffled anew, so that whatever else the machine does meets all alike.
/// </summary>
internal sealed class CellRunner(Options options, Workspace workspace)
{
    private const int Lives = 4; // Even, so that each server has each other's legs as often as its own.

    private readonly Random _random = new(options.Seed);
    private ulong _connectionSeed = (ulong)options.Seed;

    public CellResult Run(Cell cell, IReadOnlyList<ServerForm> forms)
    {
        // Servers that lock their legs have legs of their own, and a new start with each other's several times.
        int lives = forms.Count(f => f.LocksLegs) > 1 ? Math.Min(Lives, options.Rounds) : 1;
        List<Series> series = [.. forms.Select(f => new Series(f.Name))];
        try
        {
            for (int life = 0; life < lives; life++)
            {
                Live(cell, forms, life, series, (life + 1) * options.Rounds / lives);
            }

            Console.Error.WriteLine();
            return new CellResult(cell, series, failure: null);
        }
        catch (NbdException e) when (!Children.Closed)
        {
            return new CellResult(cell, [], e.Message);
        }
    }

    /// <summary>Starts all servers, measures until there are as many rounds as wanted, and ends them.</summary>
    private void Live(Cell cell, IReadOnlyList<ServerForm> forms, int life, List<Series> series, int rounds)
    {
        List<ISubject> subjects = [];
        try
        {
            int locking = forms.Count(f => f.LocksLegs);
            foreach (ServerForm form in forms)
            {
                subjects.Add(Start(cell, form, form.LocksLegs ? (subjects.Count + life) % locking : 0));
            }

            Measure(subjects, series, rounds);
        }
        catch (NbdException e) when (subjects.Count < forms.Count)
        {
            throw new NbdException($"{forms[subjects.Count].Name}: {e.Message}");
        }
        finally
        {
            subjects.ForEach(s => s.Dispose());
        }
    }

    private void Measure(List<ISubject> subjects, List<Series> series, int rounds)
    {
        int[] order = [.. Enumerable.Range(0, subjects.Count)];

        // One turn that does not count: just-in-time compilers, cold caches, pools that grow.
        bool counts = false;
        while (series[0].Turns.Count < rounds)
        {
            _random.Shuffle(order);
            foreach (int i in order)
            {
                Turn turn;
                try
                {
                    turn = subjects[i].Take(options.TurnMs);
                }
                catch (NbdException e)
                {
                    throw new NbdException($"{subjects[i].Name}, round {series[i].Turns.Count + 1}: {e.Message}");
                }

                if (counts)
                {
                    series[i].Turns.Add(turn);
                }
            }

            Console.Error.Write(counts ? (series[0].Turns.Count % 10).ToString(CultureInfo.InvariantCulture) : "w");
            counts = true;
        }
    }

    private ISubject Start(Cell cell, ServerForm form, int legSet)
    {
        Launch launch = workspace.Prepare(form, cell.Medium, cell.Direct, legSet);
        if (cell.Direct)
        {
            foreach (string leg in launch.Legs)
            {
                Workspace.Evict(leg);
            }
        }

        Server server = Server.Start(form, launch);
        try
        {
            return cell.Load switch
            {
                Load.NbdCopy => new CopySubject(server, cell, options.LegBytes),
                Load.Fio => new FioSubject(server, cell, options.LegBytes),
                _ => new ClientSubject(server, cell, ++_connectionSeed * 0x9E3779B97F4A7C15),
            };
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }
}
