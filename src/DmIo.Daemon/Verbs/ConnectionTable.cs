using DmIo.Daemon.Control;
using Spectre.Console;

namespace DmIo.Daemon.Verbs;

/// <summary>Connections as people look at them.</summary>
internal static class ConnectionTable
{
    public static Table Of(IReadOnlyList<ConnectionInfo> connections)
    {
        Table table = VolumeTables.New("id", "export", "peer", "tls", "since", "in flight", "requests", "errors", "read", "written");
        foreach (ConnectionInfo connection in connections)
        {
            table.AddRow(
                new Text($"{connection.Id}"),
                new Text(connection.Export ?? "(negotiating)"),
                new Text(connection.Peer),
                new Text(TlsOf(connection)),
                new Text($"{connection.Since.ToLocalTime():yyyy-MM-dd HH:mm:ss}"),
                new Text($"{connection.InFlight}"),
                new Text($"{connection.Requests}"),
                new Text($"{connection.Errors}", connection.Errors > 0 ? Color.Red : Color.Default),
                new Text(Mebibytes(connection.BytesRead)),
                new Text(Mebibytes(connection.BytesWritten)));
        }
        return table;
    }

    /// <summary>Encryption and who the client has shown to be; a dash without.</summary>
    public static string TlsOf(ConnectionInfo connection) =>
        connection.Tls is null ? "-" : connection.TlsPeer is null ? connection.Tls : $"{connection.Tls} {connection.TlsPeer}";

    private static string Mebibytes(long bytes) => $"{bytes / (double)(1 << 20):F1} MiB";
}
