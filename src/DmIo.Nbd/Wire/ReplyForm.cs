namespace DmIo.Nbd.Wire;

/// <summary>How requests and replies look on a connection: what the client has negotiated.</summary>
internal enum ReplyForm
{
    /// <summary>Compact requests, simple replies.</summary>
    Simple,

    /// <summary>Compact requests, structured replies.</summary>
    Structured,

    /// <summary>Extended requests and replies.</summary>
    Extended,
}
