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
    private readonly Random _random = new(options.Seed);
    private ulong _connectionSeed = (ulong)options.Seed;

    public CellResult Run(Cell cell, IReadOnlyList<ServerForm> forms)
    {
        List<ISubject> subjects = [];
        try
        {
            foreach (ServerForm form in forms)
            {
                subjects.Add(Start(cell, form));
            }

            return new CellResult(cell, Measure(subjects), failure: null);
        }
        catch (NbdException e) when (!Children.Closed)
        {
            string who = subjects.Count < forms.Count ? $"{forms[subjects.Count].Name}: " : "";
            return new CellResult(cell, [], who + e.Message);
        }
        finally
        {
            subjects.ForEach(s => s.Dispose());
        }
    }

    private List<Series> Measure(List<ISubject> subjects)
    {
        List<Series> series = [.. subjects.Select(s => new Series(s.Name))];
        int[] order = [.. Enumerable.Range(0, subjects.Count)];

        // One turn that does not count: just-in-time compilers, cold caches, pools that grow.
        for (int round = -1; round < options.Rounds; round++)
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
                    throw new NbdException($"{subjects[i].Name}, round {round + 1}: {e.Message}");
                }

                if (round >= 0)
                {
                    series[i].Turns.Add(turn);
                }
            }

            Console.Error.Write(round < 0 ? "w" : ((round + 1) % 10).ToString(CultureInfo.InvariantCulture));
        }

        Console.Error.WriteLine();
        return series;
    }

    private ISubject Start(Cell cell, ServerForm form)
    {
        Launch launch = workspace.Prepare(form, cell.Medium, cell.Direct);
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
