using System.Collections.Immutable;
using System.Text;

namespace DmIo.Nbd.Status;

/// <summary>A metadata context: a question about ranges that BLOCK_STATUS answers.</summary>
internal sealed class MetaContext
{
    private const string LegsNamespace = "x-dmio:";

    /// <summary>Where an export's data is: the specification's own.</summary>
    public static readonly MetaContext Allocation = new(1, "base:", "allocation", null);

    /// <summary>Which legs cannot serve it, as error bits.</summary>
    public static readonly MetaContext FailedLegs = new(2, LegsNamespace, "failed-legs", RegionQuestion.CannotServe);

    /// <summary>Which legs lack it, as error bits.</summary>
    public static readonly MetaContext OutOfSync = new(3, LegsNamespace, "out-of-sync", RegionQuestion.Lacks);

    private static readonly ImmutableArray<MetaContext> s_all = [Allocation, FailedLegs, OutOfSync];
    private static readonly ImmutableArray<MetaContext> s_ofAnyDevice = [Allocation];

    private readonly byte[] _namespace;

    private MetaContext(uint id, string space, string leaf, RegionQuestion? question)
    {
        Id = id;
        _namespace = Encoding.UTF8.GetBytes(space);
        NameBytes = Encoding.UTF8.GetBytes(space + leaf);
        Question = question;
    }

    /// <summary>What chunks call it; the same on every connection, never 0.</summary>
    public uint Id { get; }

    /// <summary>Namespace, colon and leaf.</summary>
    public byte[] NameBytes { get; }

    /// <summary>What it asks of a device that has legs; null for the allocation.</summary>
    public RegionQuestion? Question { get; }

    /// <summary>What can be asked of an export, in the order of ids.</summary>
    public static ImmutableArray<MetaContext> OfferedBy(NbdExport export) =>
        export.Device is IRegionStates ? s_all : s_ofAnyDevice;

    /// <summary>Whether a query means this context: by its name or, where a list is asked for, by its namespace.</summary>
    public bool Matches(ReadOnlySpan<byte> query, bool isList) =>
        query.SequenceEqual(NameBytes) || (isList && query.SequenceEqual(_namespace));
}
