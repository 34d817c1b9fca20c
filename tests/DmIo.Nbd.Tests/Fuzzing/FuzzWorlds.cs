namespace DmIo.Nbd.Tests;

/// <summary>Keeps one world of each kind, and makes another in the place of one that something went wrong in.</summary>
internal sealed class FuzzWorlds : IDisposable
{
    private readonly Dictionary<FuzzWorldKind, FuzzWorld> _worlds = [];

    /// <summary>Called with every world that is made.</summary>
    public Action<FuzzWorld>? Made { get; init; }

    /// <summary>Runs a case.</summary>
    /// <returns>What is wrong; null when nothing is.</returns>
    public string? Run(FuzzCase what, ISet<uint> features)
    {
        if (!_worlds.TryGetValue(what.Kind, out FuzzWorld? world))
        {
            _worlds.Add(what.Kind, world = new FuzzWorld(what.Kind));
            Made?.Invoke(world);
        }
        try
        {
            FuzzRun.Run(world, what, features);
            return null;
        }
        catch (FuzzFailureException e)
        {
            _worlds.Remove(what.Kind);
            return e.Message;
        }
    }

    public void Dispose()
    {
        foreach (FuzzWorld world in _worlds.Values)
            world.Dispose();
    }
}
