namespace DmIo.Daemon.Tests;

/// <summary>
/// Changes a mirror by the verbs, one after the other, while clients write: no request fails, nothing acknowledged is lost,
/// a check finds nothing, and at the end all legs are the same. All choices come from the seed.
/// </summary>
public sealed class ChangeRun : IDisposable
{
    // Small, so that copying and comparing are quick; the load stays where the volume was at first.
    private const int FirstMib = 16;
    private const int LastMib = 32;
    private const int MostLegs = 4;
    private const int Connections = 3;
    private const int Depth = 12;
    // So that every change meets requests before, during and after it.
    private const int WritesBetween = 50;

    private readonly int _seed;
    private readonly TextWriter _told;
    private readonly Random _random;
    private readonly StampedLoad _load;
    private readonly Volume _volume = new($"{FirstMib}M");
    private readonly List<string> _legs;
    private readonly Action[] _changes;
    private int _mib = FirstMib;
    private int _spares;

    public ChangeRun(int seed, TextWriter told)
    {
        (_seed, _told, _random) = (seed, told, new Random(seed));
        _load = new StampedLoad(seed, FirstMib << 20, Connections, Depth);
        _legs = [.. _volume.Legs];
        _changes = [Suspend, Reload, Forget, Add, Remove, Replace, FailAndClear, Check, Repair, Grow];
    }

    /// <summary>Goes on as long as it is told to, then checks everything.</summary>
    /// <param name="goesOn">Whether there is another change, given how many there were.</param>
    /// <exception cref="InvalidDataException">Something is wrong; the message says what, and after which change.</exception>
    public void Run(Func<int, bool> goesOn)
    {
        DaemonProcess daemon = _volume.Serve("--region-size", "256K", "--clean-after", "0.2");
        Thread[] clients = _load.Start(_volume.Socket);
        int done = 0;
        for (; goesOn(done); done++)
        {
            WaitForWrites(daemon, $"change {done}");
            // Each kind once before any comes again.
            if (done % _changes.Length == 0)
                _random.Shuffle(_changes);
            Action change = _changes[done % _changes.Length];
            _told.WriteLine($"seed {_seed}, change {done}: {change.Method.Name}, {_legs.Count} legs, {_mib}M");
            try
            {
                change();
                WaitInSync();
            }
            catch (Exception e) when (e is InvalidDataException or TimeoutException)
            {
                throw new InvalidDataException($"seed {_seed}, change {done}, {change.Method.Name}: {e.Message}\n{daemon.Log}", e);
            }
        }
        WaitForWrites(daemon, "the end");
        _load.Finish();
        foreach (Thread client in clients)
        {
            if (!client.Join(Deadline.Usual))
                throw new InvalidDataException($"seed {_seed}: a client still waits for the server\n{daemon.Log}");
        }
        Require(_load.Failures, "clients", daemon);
        Check();
        Require(_load.CheckVolume(_volume.Socket), "what clients read", daemon);
        if (daemon.Stop() != 0)
            throw new InvalidDataException($"seed {_seed}: the stop was not clean:\n{daemon.Log}");
        foreach (string leg in _legs)
        {
            Require(_load.Check(leg), leg, daemon);
            ToolResult same = Tool.Run("cmp", _legs[0], leg);
            if (same.ExitCode != 0)
                throw new InvalidDataException($"seed {_seed}: legs in sync are not the same: {same.Output}{same.Error}\n{daemon.Log}");
        }
        _told.WriteLine($"seed {_seed}: {done} changes, {_load.Acknowledged} writes and {_load.Flushes} flushes acknowledged, "
            + $"nothing lost, {_legs.Count} legs are the same");
    }

    public void Dispose() => _volume.Dispose();

    private void Suspend()
    {
        Verb(_random.Next(2) == 0 ? ["suspend", "vol0"] : ["suspend", "vol0", "--noflush"]);
        Verb("resume", "vol0");
    }

    private void Reload()
    {
        Load();
        if (_random.Next(2) == 0)
            Verb("suspend", "vol0");
        Verb("resume", "vol0");
    }

    private void Forget()
    {
        Load();
        Verb("clear", "vol0");
    }

    private void Load() =>
        Verb("reload", "vol0", "--table", _volume.Scratch.Write("table", Verb("table", "vol0")));

    private void Add()
    {
        if (_legs.Count == MostLegs)
            return;
        string spare = Spare();
        Verb("leg", "add", "vol0", spare);
        _legs.Add(spare);
    }

    private void Remove()
    {
        if (_legs.Count == 2)
            return;
        int leg = _random.Next(_legs.Count);
        Verb("leg", "remove", "vol0", _random.Next(2) == 0 ? $"{leg}" : _legs[leg]);
        _legs.RemoveAt(leg);
    }

    private void Replace()
    {
        int leg = _random.Next(_legs.Count);
        string spare = Spare();
        Verb("leg", "replace", "vol0", $"{leg}", spare);
        _legs[leg] = spare;
    }

    private void FailAndClear()
    {
        string leg = $"{_random.Next(_legs.Count)}";
        Verb("leg", "fail", "vol0", leg);
        long goal = _load.Acknowledged + _random.Next(WritesBetween * 4);
        Deadline.WaitFor(() => _load.Acknowledged >= goal || _load.Failures.Count > 0, "writes that a leg lacks");
        Verb("leg", "clear", "vol0", leg);
    }

    private void Check()
    {
        string found = Verb("check", "vol0", "--anew");
        if (!found.Contains("the legs are identical", StringComparison.Ordinal))
            throw new InvalidDataException(found);
    }

    private void Repair() =>
        Verb(_random.Next(2) == 0 ? ["repair", "vol0", "--majority", "--anew"] : ["repair", "vol0", "--from", "0", "--anew"]);

    private void Grow()
    {
        if (_mib == LastMib)
            return;
        _mib++;
        Verb("grow", "vol0", $"{_mib}M");
    }

    private string Spare() => _volume.Scratch.Sparse($"spare{_spares++}.img", (long)_mib << 20);

    private string Verb(params string[] verb)
    {
        ToolResult result = ControlTool.Run(_volume.Control, verb);
        if (result.ExitCode != 0)
            throw new InvalidDataException($"{string.Join(' ', verb)}: exit {result.ExitCode}\n{result.Output}{result.Error}");
        return result.Output;
    }

    private void WaitInSync()
    {
        string whole = $" 1 {new string('A', _legs.Count)} 1 core";
        Deadline.WaitFor(
            () => _load.Failures.Count > 0
                || Verb("status", "vol0").Contains(whole, StringComparison.Ordinal), $"in sync: {Verb("status", "vol0")}");
    }

    private void WaitForWrites(DaemonProcess daemon, string when)
    {
        long goal = _load.Acknowledged + WritesBetween;
        Deadline.WaitFor(
            () => _load.Acknowledged >= goal || _load.Failures.Count > 0 || daemon.HasExited, $"seed {_seed}, {when}: writes");
        Require(_load.Failures, when, daemon);
    }

    private void Require(IReadOnlyList<string> wrong, string when, DaemonProcess daemon)
    {
        if (wrong.Count > 0)
            throw new InvalidDataException($"seed {_seed}, {when}: {wrong.Count} wrong, the first: {wrong[0]}\n{daemon.Log}");
    }
}
