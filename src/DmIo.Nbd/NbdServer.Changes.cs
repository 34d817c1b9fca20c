using System.Collections.Immutable;
using DmIo.Nbd.Transmission;

namespace DmIo.Nbd;

/// <summary>What can be seen and changed while the server runs.</summary>
public sealed partial class NbdServer
{
    /// <summary>The exports that are offered, in the order in which they were added.</summary>
    public ImmutableArray<NbdExport> Exports => _exports.All;

    /// <summary>The export that the empty name selects; null when there is none at all.</summary>
    public NbdExport? DefaultExport => _exports.Default;

    /// <summary>The connections there are, half-open ones included, the oldest first.</summary>
    public Task<IReadOnlyList<NbdConnectionInfo>> ReadConnectionsAsync() => _loop.InvokeAsync(() =>
    {
        IEnumerable<NbdConnectionInfo> served = _connections.Select(c =>
            new NbdConnectionInfo(c.Client.Id, c.Client.Peer, c.Client.Since, c.Export, c.Traffic, c.Client.Tls));
        IEnumerable<NbdConnectionInfo> negotiating = _handshakes.Values.Select(h =>
            new NbdConnectionInfo(h.Client.Id, h.Client.Peer, h.Client.Since, null, null, h.Client.Tls));
        IReadOnlyList<NbdConnectionInfo> all = [.. served.Concat(negotiating).OrderBy(c => c.Id)];
        return new ValueTask<IReadOnlyList<NbdConnectionInfo>>(all);
    });

    /// <summary>
    /// Offers an export no longer. Its clients' new requests get ESHUTDOWN, what is in flight finishes, their connections
    /// are closed. Nothing of the server's uses its device when this returns true.
    /// </summary>
    /// <param name="export">One that is offered; any other is left alone.</param>
    /// <param name="bound">How long requests in flight may take; then connections are closed all the same.</param>
    /// <returns>Whether all its connections are gone; false when a device does not give back a request.</returns>
    public Task<bool> RemoveExportAsync(NbdExport export, TimeSpan bound)
    {
        ArgumentNullException.ThrowIfNull(export);
        return _loop.InvokeAsync(() => RemoveOnLoopAsync(export, bound));
    }

    private async ValueTask<bool> RemoveOnLoopAsync(NbdExport export, TimeSpan bound)
    {
        _exports.Remove(export);
        foreach (NbdConnection connection in ConnectionsOf(export))
            connection.PostStop();
        if (await WaitUntilAsync(() => !ConnectionsOf(export).Any(), bound))
            return true;
        _logger.RemovalWasForced(Printable.Name(export.Name), ConnectionsOf(export).Count());
        foreach (NbdConnection connection in ConnectionsOf(export))
            connection.PostKill();
        return await WaitUntilAsync(() => !ConnectionsOf(export).Any(), s_afterForce);
    }

    private IEnumerable<NbdConnection> ConnectionsOf(NbdExport export) => _connections.Where(c => c.Export == export);
}
