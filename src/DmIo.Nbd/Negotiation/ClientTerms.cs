using System.Collections.Immutable;
using DmIo.Nbd.Status;
using DmIo.Nbd.Wire;

namespace DmIo.Nbd.Negotiation;

/// <summary>
/// What a client has negotiated beside the export that it chooses. STARTTLS drops all of it: a new one is begun then.
/// </summary>
internal sealed class ClientTerms
{
    private NbdExport? _contextsOf;
    private ImmutableArray<MetaContext> _contexts = [];

    /// <summary>How requests and replies will look.</summary>
    public ReplyForm Form { get; set; }

    /// <summary>Selects contexts of an export, in the place of those that were selected before.</summary>
    public void Select(NbdExport? export, ImmutableArray<MetaContext> contexts) =>
        (_contextsOf, _contexts) = (export, contexts);

    /// <summary>The contexts that hold when an export is chosen: none, if they were selected for another.</summary>
    public ImmutableArray<MetaContext> ContextsOf(NbdExport export) => _contextsOf == export ? _contexts : [];
}
