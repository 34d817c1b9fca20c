namespace DmIo.Daemon.Configuration;

/// <summary>
/// Which devices must live on one loop: all that stand on each other or on a common file. The groups are dealt out over
/// as many loops as there are cores.
/// </summary>
internal sealed class LoopGroups(int loopLimit)
{
    private readonly Dictionary<string, string> _parents = [];

    /// <summary>How many groups there are.</summary>
    public int Groups => Roots().Count;

    /// <summary>How many loops they need.</summary>
    public int Loops => Math.Clamp(Groups, 1, loopLimit);

    /// <summary>Puts a device and what it stands on into one group.</summary>
    public void Join(string device, IEnumerable<string> standsOn)
    {
        string root = Root(device);
        foreach (string below in standsOn)
            _parents[Root(below)] = root;
    }

    public int LoopOf(string device) => Roots().IndexOf(Root(device)) % Loops;

    /// <summary>Whether the two are in one group.</summary>
    public bool AreTogether(string a, string b) => Root(a) == Root(b);

    private List<string> Roots() => [.. _parents.Keys.Where(k => _parents[k] == k)];

    private string Root(string device)
    {
        _parents.TryAdd(device, device);
        while (_parents[device] != device)
            device = _parents[device];
        return device;
    }
}
