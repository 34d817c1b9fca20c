using DmIo.Linux;

namespace DmIo.Nbd.Transmission;

/// <summary>Why a connection ended: the first reason is kept, whatever fails after it.</summary>
/// <param name="Text">For the log; never holds what a client sent.</param>
/// <param name="IsOrderly">Whether it is how connections are meant to end.</param>
internal readonly record struct EndReason(string Text, bool IsOrderly)
{
    public static readonly EndReason Disconnected = new("client disconnected", true);
    public static readonly EndReason Closed = new("client closed the connection without disconnecting", true);
    public static readonly EndReason Truncated = new("client closed the connection in the middle of a request", false);
    public static readonly EndReason BadMagic = new("request without the request magic", false);
    public static readonly EndReason LongPayload = new("payload longer than any that is taken", false);
    public static readonly EndReason Stalled = new("client left memory unused that others waited for", false);
    public static readonly EndReason Stopped = new("server is stopping", true);
    public static readonly EndReason ExportGone = new("its export is offered no longer", true);
    public static readonly EndReason Killed = new("requests did not finish in the time that they were given", false);

    /// <summary>A call on the socket failed.</summary>
    public static EndReason Socket(string call, Errno errno) => new($"{call}: {Libc.Describe(errno)}", false);
}
