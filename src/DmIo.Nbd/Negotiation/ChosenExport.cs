using System.Collections.Immutable;
using DmIo.Nbd.Status;
using DmIo.Nbd.Wire;

namespace DmIo.Nbd.Negotiation;

/// <summary>How a handshake ends.</summary>
/// <param name="Export">What is to be served.</param>
/// <param name="Form">How requests and replies look.</param>
/// <param name="Contexts">The metadata contexts that the client may ask for.</param>
internal sealed record ChosenExport(NbdExport Export, ReplyForm Form, ImmutableArray<MetaContext> Contexts);
