using System.Net.Sockets;

namespace DmIo.Nbd.Tests;

/// <summary>Runs cases against a world.</summary>
internal static class FuzzRun
{
    // Rounds in which the server's loops turned, and nothing moved: 20 s. Time alone says nothing where other programs
    // leave no processor to this one.
    private const int MostIdleRounds = 200;

    // A Unix socket's select wakes up at once when something comes.
    private const int LookAgainMicroseconds = 100_000;

    /// <summary>Runs a case.</summary>
    /// <param name="world">The server; of no use any more after a failure.</param>
    /// <param name="what">The case.</param>
    /// <param name="features">Takes what has happened, in numbers.</param>
    /// <exception cref="FuzzFailureException">The server did what it must not.</exception>
    public static void Run(FuzzWorld world, FuzzCase what, ISet<uint> features)
    {
        var clients = new FuzzClient?[FuzzStep.MaxClients];
        var finished = new List<FuzzClient>();
        world.Begin();
        try
        {
            foreach (FuzzStep step in what.Steps)
            {
                ref FuzzClient? client = ref clients[step.Client];
                if (client is null && step.Kind is FuzzStepKind.Wait or FuzzStepKind.End)
                    continue;
                client ??= new FuzzClient(world.Listener.Address, world.Exports, world.Limits, features);
                Do(world, step, client, [.. clients.OfType<FuzzClient>(), .. finished]);
                if (step.Kind != FuzzStepKind.End)
                    continue;
                finished.Add(client);
                client = null;
            }
            finished.AddRange(clients.OfType<FuzzClient>());
            foreach (FuzzClient client in finished)
                Wait(world, client, finished);
        }
        finally
        {
            foreach (FuzzClient client in clients.OfType<FuzzClient>().Concat(finished))
                client.Dispose();
        }
        world.CheckEnd();
    }

    private static void Do(FuzzWorld world, FuzzStep step, FuzzClient client, IReadOnlyList<FuzzClient> all)
    {
        switch (step.Kind)
        {
            case FuzzStepKind.Wait:
                Wait(world, client, all);
                break;
            case FuzzStepKind.End:
                client.End((Ending)(step[FuzzField.Type] % 4));
                break;
            case FuzzStepKind.Piece:
                client.PieceBytes = (int)Math.Min(step[FuzzField.Length], 4096);
                break;
            case FuzzStepKind.Cut:
                client.Cut((int)Math.Min(step[FuzzField.Length], 1 << 20));
                break;
            case FuzzStepKind.Spoil:
                client.Spoil(step);
                break;
            default:
                client.Send(step);
                break;
        }
    }

    // All are served meanwhile: what one does not take may be what another waits for.
    private static void Wait(FuzzWorld world, FuzzClient client, IReadOnlyList<FuzzClient> all)
    {
        int idleRounds = 0;
        while (client.IsBusy)
        {
            bool moves = false;
            foreach (FuzzClient other in all)
                moves |= other.Advance();
            idleRounds = moves ? 0 : idleRounds + 1;
            if (moves || !client.IsBusy)
                continue;
            world.LetTurn();
            if (idleRounds > MostIdleRounds)
                throw new FuzzFailureException($"it takes too long: {client.Waits}");
            Socket.Select(
                all.Where(c => c.IsOpen).Select(c => c.Socket).ToList(), all.Where(c => c.IsFull).Select(c => c.Socket).ToList(),
                null, LookAgainMicroseconds);
        }
    }
}
