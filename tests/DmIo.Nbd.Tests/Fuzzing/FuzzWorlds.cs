namespace DmIo.Nbd.Tests;

/// <summary>Keeps one world of each kind, and makes another in the place of one that something went wrong in.</summary>
internal sealed class FuzzWorlds : IDisposable
{
    private readonly Dictionary<FuzzWorldKind, FuzzWorld> _worlds = [];
    private readonly string _crashPath;
    private FuzzCase? _running;
    private long _cases;

    /// <summary>Begins without any.</summary>
    /// <param name="crashPath">Where the case is written that takes the process with it.</param>
    public FuzzWorlds(string crashPath)
    {
        _crashPath = crashPath;
        AppDomain.CurrentDomain.UnhandledException += SaveCase;
    }

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
            _running = what;
            _cases++;
            FuzzRun.Run(world, what, features);
            return null;
        }
        catch (FuzzFailureException e)
        {
            _worlds.Remove(what.Kind);
            return e.Message;
        }
        finally
        {
            _running = null;
        }
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.UnhandledException -= SaveCase;
        foreach (FuzzWorld world in _worlds.Values)
            world.Dispose();
    }

    private void SaveCase(object sender, UnhandledExceptionEventArgs e)
    {
        if (_running is not { } what)
            return;
        Directory.CreateDirectory(Path.GetDirectoryName(_crashPath)!);
        File.WriteAllText(_crashPath, $"# case {_cases}: {e.ExceptionObject.ToString()!.ReplaceLineEndings(" ")}\n{what}");
        Console.Error.WriteLine($"{e.ExceptionObject}\nThe case that did it, the {_cases}th, is in {_crashPath}.");
    }
}
