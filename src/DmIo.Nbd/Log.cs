using DmIo.Nbd.Transmission;
using Microsoft.Extensions.Logging;

namespace DmIo.Nbd;

/// <summary>What the server tells its operator. Event ids are stable; names and peers come made printable.</summary>
internal static partial class Log
{
    [LoggerMessage(3001, LogLevel.Information, "Listening on {Address}")]
    public static partial void Listening(this ILogger logger, string address);

    [LoggerMessage(3002, LogLevel.Information, "No longer listening on {Address}")]
    public static partial void ListenerClosed(this ILogger logger, string address);

    [LoggerMessage(3003, LogLevel.Warning, "{Address}: accept: {Reason}; trying again in {DelayMs} ms")]
    public static partial void AcceptBacksOff(this ILogger logger, string address, string reason, int delayMs);

    [LoggerMessage(3004, LogLevel.Error, "{Address}: accept: {Reason}; no more connections are taken here")]
    public static partial void AcceptFailed(this ILogger logger, string address, string reason);

    [LoggerMessage(3005, LogLevel.Warning, "{Peer}: refused, {Limit} connections are open{More}")]
    public static partial void TooManyConnections(this ILogger logger, string peer, int limit, string more);

    [LoggerMessage(3006, LogLevel.Warning, "{Peer}: refused, {Limit} connections of {Group} are open{More}")]
    public static partial void TooManyOfPeer(this ILogger logger, string peer, int limit, string group, string more);

    [LoggerMessage(3007, LogLevel.Warning, "{Peer}: refused, it is not among those who are allowed{More}")]
    public static partial void NotAllowed(this ILogger logger, string peer, string more);

    [LoggerMessage(3008, LogLevel.Information, "Listening on {Address}, passed as {Descriptor}")]
    public static partial void ListeningOnPassed(this ILogger logger, string address, string descriptor);

    [LoggerMessage(3010, LogLevel.Information, "{Peer}: serving export {Export}")]
    public static partial void Serving(this ILogger logger, string peer, string export);

    public static void ConnectionEnded(this ILogger logger, string export, string peer, in EndReason reason)
    {
        if (reason.IsOrderly)
            ConnectionEnded(logger, peer, export, reason.Text);
        else
            ConnectionBroken(logger, peer, export, reason.Text);
    }

    [LoggerMessage(3013, LogLevel.Information, "{Peer}: ended without choosing an export: {Reason}")]
    public static partial void HandshakeEnded(this ILogger logger, string peer, string reason);

    [LoggerMessage(3014, LogLevel.Warning, "{Peer}: dropped before it had chosen an export: {Reason}")]
    public static partial void HandshakeBroken(this ILogger logger, string peer, string reason);

    [LoggerMessage(3015, LogLevel.Error, "{Peer}: dropped, the server made a mistake")]
    public static partial void HandshakeBug(this ILogger logger, string peer, Exception exception);

    [LoggerMessage(3016, LogLevel.Information, "{Peer}: asked for unknown export {Export}")]
    public static partial void UnknownExport(this ILogger logger, string peer, string export);

    [LoggerMessage(3017, LogLevel.Information,
        "{Peer}: export {Export}: has closed its sending side and others ask: its changes not yet started never start")]
    public static partial void Overtaken(this ILogger logger, string peer, string export);

    [LoggerMessage(3018, LogLevel.Error, "{Peer}: export {Export}: a block status was answered EIO, the server made a mistake")]
    public static partial void StatusBug(this ILogger logger, string peer, string export, Exception exception);

    [LoggerMessage(3020, LogLevel.Warning, "{Count} connections were cut off with requests unanswered")]
    public static partial void StopWasForced(this ILogger logger, int count);

    [LoggerMessage(3021, LogLevel.Warning, "export {Export} was removed: {Count} connections were cut off with requests unanswered")]
    public static partial void RemovalWasForced(this ILogger logger, string export, int count);

    [LoggerMessage(3030, LogLevel.Information, "{Peer}: {Protocol}, {Cipher}, client {Name}")]
    public static partial void TlsBegan(this ILogger logger, string peer, string protocol, string cipher, string name);

    [LoggerMessage(3031, LogLevel.Information, "{Directory}: new certificates are in use, good until {Until:u}")]
    public static partial void CertificatesChanged(this ILogger logger, string directory, DateTime until);

    [LoggerMessage(3032, LogLevel.Error, "{Reason}; new clients go on with the certificates from before")]
    public static partial void CertificatesUnusable(this ILogger logger, string reason);

    [LoggerMessage(3011, LogLevel.Information, "{Peer}: export {Export}: connection ended: {Reason}")]
    private static partial void ConnectionEnded(ILogger logger, string peer, string export, string reason);

    [LoggerMessage(3012, LogLevel.Warning, "{Peer}: export {Export}: connection broken: {Reason}")]
    private static partial void ConnectionBroken(ILogger logger, string peer, string export, string reason);
}
