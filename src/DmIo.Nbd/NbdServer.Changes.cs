using System.Collections.Immutable;
using DmIo.Nbd.Tls;
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
    /// Lets other limits and another list of who may connect hold for clients that come from now on. What the connections
    /// of a loop share stays as it was: <see cref="NbdLimits.MaxBytesInFlightPerLoop"/>,
    /// <see cref="NbdLimits.MaxRequestsInFlightPerLoop"/>, <see cref="NbdLimits.MaxPayloadBytes"/> and
    /// <see cref="NbdLimits.StallTimeout"/> must be what they were.
    /// </summary>
    /// <exception cref="ArgumentException">A limit is out of range, or another for the loops.</exception>
    public Task ChangeAdmissionAsync(NbdLimits limits, NbdAllow allow)
    {
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentNullException.ThrowIfNull(allow);
        limits.Validate();
        if (!limits.SharesLoopsWith(_loopLimits))
            throw new ArgumentException("What the connections of a loop share cannot change.", nameof(limits));
        return _loop.InvokeAsync(() =>
        {
            (_admission.Limits, _admission.Allow) = (limits, allow);
            _optionMemory.LimitBytes = limits.MaxOptionBytesInFlight;
            return ValueTask.CompletedTask;
        });
    }

    /// <summary>
    /// Reads the certificates anew, for clients that come from now on, and takes other settings for them. Whether there is
    /// TLS, and whether it is required, stays.
    /// </summary>
    /// <exception cref="ArgumentException">That would change.</exception>
    /// <exception cref="IOException">The certificates cannot be used; those from before go on.</exception>
    public Task ChangeTlsAsync(NbdTls tls)
    {
        ArgumentNullException.ThrowIfNull(tls);
        return _loop.InvokeAsync(() =>
        {
            if (_tls is null || _tls.Source.IsRequired != tls.IsRequired)
                throw new ArgumentException("Whether TLS is required cannot change.", nameof(tls));
            _tls = new TlsCredentials(tls, _logger);
            return ValueTask.CompletedTask;
        });
    }

    /// <summary>
    /// Lets the empty name select an export that is offered; without one, the first that is not hidden.
    /// </summary>
    /// <exception cref="ArgumentException">It is not offered.</exception>
    public void ChooseDefault(NbdExport? export) => _exports.Choose(export);

    /// <summary>Puts exports into another order, in which they are listed; those that are not named follow.</summary>
    public void OrderExports(IReadOnlyList<NbdExport> order)
    {
        ArgumentNullException.ThrowIfNull(order);
        _exports.Order(order);
    }

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
            connection.PostExportGone();
        if (await WaitUntilAsync(() => !ConnectionsOf(export).Any(), bound))
            return true;
        _logger.RemovalWasForced(Printable.Name(export.Name), ConnectionsOf(export).Count());
        foreach (NbdConnection connection in ConnectionsOf(export))
            connection.PostKill();
        return await WaitUntilAsync(() => !ConnectionsOf(export).Any(), s_afterForce);
    }

    private IEnumerable<NbdConnection> ConnectionsOf(NbdExport export) => _connections.Where(c => c.Export == export);
}
