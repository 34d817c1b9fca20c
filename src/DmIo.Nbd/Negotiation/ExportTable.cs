using System.Collections.Immutable;

namespace DmIo.Nbd.Negotiation;

/// <summary>The exports by name, and which of them the empty name selects. Safe to use from any thread.</summary>
internal sealed class ExportTable
{
    private readonly Lock _lock = new();
    private NbdExport? _chosenDefault;

    public ImmutableArray<NbdExport> All { get; private set; } = [];

    public NbdExport? Default { get; private set; }

    public void Add(NbdExport export, bool isDefault)
    {
        lock (_lock)
        {
            if (All.Any(e => e.Name == export.Name))
                throw new ArgumentException($"{Printable.Name(export.Name)} is exported already.", nameof(export));
            if (isDefault && _chosenDefault is not null)
                throw new ArgumentException($"{_chosenDefault.Name} is the default.", nameof(isDefault));
            if (isDefault)
                _chosenDefault = export;
            All = All.Add(export);
            FindDefault();
        }
    }

    /// <summary>Takes an export away; the default falls to the first that is left.</summary>
    public void Remove(NbdExport export)
    {
        lock (_lock)
        {
            All = All.Remove(export);
            if (_chosenDefault == export)
                _chosenDefault = null;
            FindDefault();
        }
    }

    /// <summary>Lets an export be the default; without one, the first that is not hidden is.</summary>
    public void Choose(NbdExport? chosen)
    {
        lock (_lock)
        {
            if (chosen is not null && !All.Contains(chosen))
                throw new ArgumentException($"{Printable.Name(chosen.Name)} is not exported.", nameof(chosen));
            _chosenDefault = chosen;
            FindDefault();
        }
    }

    public void Order(IReadOnlyList<NbdExport> order)
    {
        lock (_lock)
        {
            All = [.. order.Where(All.Contains), .. All.Except(order)];
            FindDefault();
        }
    }

    public bool Has(NbdExport export) => All.Contains(export);

    /// <summary>The export of that name; the empty name is the default's unless an export bears it.</summary>
    public NbdExport? Find(ReadOnlySpan<byte> name)
    {
        foreach (NbdExport export in All)
        {
            if (name.SequenceEqual(export.NameBytes))
                return export;
        }
        return name.IsEmpty ? Default : null;
    }

    // What is hidden is only for those who know its name, unless somebody has said otherwise.
    private void FindDefault() => Default = _chosenDefault ?? All.FirstOrDefault(e => !e.IsHidden);
}
