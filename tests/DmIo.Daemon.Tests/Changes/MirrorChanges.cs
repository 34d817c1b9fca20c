namespace DmIo.Daemon.Tests;

/// <summary>All that can be changed of a mirror by the verbs.</summary>
public sealed class MirrorChanges
{
    private const int MostLegs = 4;
    private const int MostWritesLacked = 200;

    private readonly ChangedVolume _volume;
    private readonly Random _random;
    private readonly Action<int> _waitForWrites;

    /// <param name="volume">The mirror.</param>
    /// <param name="random">Where choices come from.</param>
    /// <param name="waitForWrites">Waits until clients have had so many further writes answered.</param>
    public MirrorChanges(ChangedVolume volume, Random random, Action<int> waitForWrites)
    {
        (_volume, _random, _waitForWrites) = (volume, random, waitForWrites);
        All = [Suspend, Reload, Forget, Add, Remove, Replace, FailAndClear, Check, Repair, Grow];
    }

    public Action[] All { get; }

    /// <summary>Whether the shaky leg may fail meanwhile, so that another one must not.</summary>
    public bool IsShakyInTrouble { get; set; }

    /// <summary>Compares the legs, which must be identical.</summary>
    public void Check()
    {
        string found = _volume.Verb("check", "vol0", "--anew");
        if (!found.Contains("the legs are identical", StringComparison.Ordinal))
            throw new InvalidDataException(found);
    }

    private bool Chance => _random.Next(2) == 0;

    private void Suspend()
    {
        _volume.Verb(Chance ? ["suspend", "vol0"] : ["suspend", "vol0", "--noflush"]);
        _volume.Verb("resume", "vol0");
    }

    private void Reload()
    {
        Load();
        if (Chance)
            _volume.Verb("suspend", "vol0");
        _volume.Verb("resume", "vol0");
    }

    private void Forget()
    {
        Load();
        _volume.Verb("clear", "vol0");
    }

    private void Load() =>
        _volume.Verb("reload", "vol0", "--table", _volume.TableFile(_volume.Verb("table", "vol0")));

    private void Add()
    {
        if (_volume.Legs.Count == MostLegs)
            return;
        ChangedLeg spare = _volume.Spare(Chance);
        _volume.Verb("leg", "add", "vol0", spare.Device);
        _volume.Legs.Add(spare);
    }

    private void Remove()
    {
        if (_volume.Legs.Count == 2)
            return;
        int number = _random.Next(_volume.Legs.Count);
        ChangedLeg leg = _volume.Legs[number];
        _volume.Verb("leg", "remove", "vol0", Chance ? $"{number}" : leg.Device);
        _volume.Legs.RemoveAt(number);
        _volume.Forget(leg);
    }

    private void Replace()
    {
        int number = _random.Next(_volume.Legs.Count);
        ChangedLeg old = _volume.Legs[number];
        ChangedLeg spare = _volume.Spare(Chance);
        _volume.Verb("leg", "replace", "vol0", $"{number}", spare.Device);
        _volume.Legs[number] = spare;
        _volume.Forget(old);
    }

    private void FailAndClear()
    {
        int leg = _random.Next(_volume.Legs.Count);
        // Two legs that fail at once would be too many of two.
        if (IsShakyInTrouble && _volume.HasShaky && _volume.Legs.Count == 2)
            leg = _volume.Legs.FindIndex(l => l.Device == ChangedVolume.ShakyDevice);
        _volume.Verb("leg", "fail", "vol0", $"{leg}");
        _waitForWrites(_random.Next(MostWritesLacked));
        _volume.Verb("leg", "clear", "vol0", $"{leg}");
    }

    private void Repair() =>
        _volume.Verb(Chance ? ["repair", "vol0", "--majority", "--anew"] : ["repair", "vol0", "--from", "0", "--anew"]);

    private void Grow()
    {
        if (_volume.Mib == ChangedVolume.LastMib)
            return;
        _volume.Mib++;
        _volume.Verb("grow", "vol0", $"{_volume.Mib}M");
    }
}
