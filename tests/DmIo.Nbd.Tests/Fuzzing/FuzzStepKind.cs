namespace DmIo.Nbd.Tests;

/// <summary>What one step of a case does; what its fields mean stands in <see cref="FuzzStep"/>.</summary>
internal enum FuzzStepKind
{
    /// <summary>The client's flags: <c>flags</c>.</summary>
    Flags,

    /// <summary>An option: <c>type</c>, its data, <c>length</c> to add to the length that is announced.</summary>
    Option,

    /// <summary>A request in the form that was negotiated, or in the other one: <c>wide=1</c>.</summary>
    Request,

    /// <summary>Bytes as they are.</summary>
    Raw,

    /// <summary>Until everything that was sent whole has been answered.</summary>
    Wait,

    /// <summary>The connection ends: <c>type</c> counts <see cref="Ending"/>. The client's next step opens another.</summary>
    End,

    /// <summary>From here on the client sends <c>length</c> bytes at a time; 0: all at once.</summary>
    Piece,

    /// <summary>Only the first <c>length</c> bytes of what comes next are sent; the rest goes with what follows.</summary>
    Cut,

    /// <summary>In what comes next, <c>length</c> bytes at <c>offset</c> are replaced by the data.</summary>
    Spoil,
}
