namespace DmIo.Nbd;

/// <summary>A connection as it was a moment ago.</summary>
/// <param name="Id">Counts the server's connections from 1.</param>
/// <param name="Peer">The client, made printable.</param>
/// <param name="Since">When it came.</param>
/// <param name="Export">What it chose; null while it negotiates.</param>
/// <param name="Traffic">What it has asked for; null while it negotiates.</param>
/// <param name="Tls">How it is encrypted; null when it is not.</param>
public sealed record NbdConnectionInfo(
    long Id, string Peer, DateTimeOffset Since, NbdExport? Export, NbdTraffic? Traffic, NbdTlsInfo? Tls);
