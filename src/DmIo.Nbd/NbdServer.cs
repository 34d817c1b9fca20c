using DmIo.Nbd.Negotiation;
using DmIo.Nbd.Sockets;
using DmIo.Nbd.Tls;
using DmIo.Nbd.Transmission;
using Microsoft.Extensions.Logging;

namespace DmIo.Nbd;

/// <summary>
/// An NBD server: takes connections and negotiates on its front loop, then serves each connection on the loop of the
/// export that it chose. Its methods may be called from any thread but a loop's own must not wait for them.
/// </summary>
public sealed partial class NbdServer : IAsyncDisposable
{
    // How long connections that were closed by force may take to say so; one with a request that a device does not give
    // back never does.
    private static readonly TimeSpan s_afterForce = TimeSpan.FromSeconds(1);

    private readonly KernelLoop _loop;
    private readonly ILogger _logger;
    private readonly Admission _admission;
    private TlsCredentials? _tls;
    private readonly ExportTable _exports = new();
    private readonly Lock _lock = new();
    private readonly PinnedFigure _pinned = new();

    private readonly OptionMemory _optionMemory;

    // What the connections of a loop share is bounded by these for good.
    private readonly NbdLimits _loopLimits;

    // All of these live on the front loop.
    private readonly List<NbdListener> _listeners = [];
    private readonly Dictionary<Handshake, (HandshakeChannel Channel, ServedClient Client)> _handshakes = [];
    private readonly HashSet<NbdConnection> _connections = [];
    private readonly Dictionary<KernelLoop, LoopMemory> _memories = [];
    private TaskCompletionSource _changed = new();
    private bool _isStopping;

    private long _lastClient;
    private Task? _stopped;

    /// <summary>Creates a server without exports or listeners.</summary>
    /// <param name="frontLoop">Where connections are taken and negotiated; must outlive the server.</param>
    /// <param name="limits">What clients may cost.</param>
    /// <param name="loggers">Where the server tells what happens.</param>
    /// <param name="tls">How it speaks TLS; null when it does not.</param>
    /// <param name="allow">Who may connect; null when everybody may.</param>
    /// <exception cref="ArgumentOutOfRangeException">A limit is out of range.</exception>
    /// <exception cref="IOException">The certificates cannot be used.</exception>
    public NbdServer(
        KernelLoop frontLoop, NbdLimits limits, ILoggerFactory loggers, NbdTls? tls = null, NbdAllow? allow = null)
    {
        ArgumentNullException.ThrowIfNull(frontLoop);
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentNullException.ThrowIfNull(loggers);
        limits.Validate();
        _loop = frontLoop;
        _logger = loggers.CreateLogger<NbdServer>();
        _loopLimits = limits;
        _optionMemory = new OptionMemory(limits.MaxOptionBytesInFlight);
        _admission = new Admission(limits, allow ?? new NbdAllow(), frontLoop.Time, _logger);
        if (tls is not null)
            _tls = new TlsCredentials(tls, _logger);
    }

    /// <summary>Connections that are open, half-open ones included.</summary>
    public int ConnectionCount => _admission.Count;

    /// <summary>Connections that were closed as soon as they came.</summary>
    public NbdRefusals Refusals => _admission.Refusals;

    /// <summary>
    /// Buffer bytes whose requests were answered although a device still uses them. They count for no limit.
    /// </summary>
    public long PinnedBytes => _pinned.Bytes;

    /// <summary>The most that <see cref="PinnedBytes"/> ever was.</summary>
    public long MostPinnedBytes => _pinned.MostBytes;

    // For the tests: the most that any loop's connections ever had in use.
    internal long MostRentedBytes => _memories.Values.Max(m => m.MostRentedBytes);

    // For the tests: what all loops' connections have in use; nothing, when none of them has anything under way. And how
    // many of them stand in line.
    internal Task<(long Bytes, int Objects, int Waiting)> ReadHeldAsync() => _loop.InvokeAsync(async () =>
    {
        (long bytes, int objects, int waiting) = (0, 0, 0);
        foreach ((KernelLoop loop, LoopMemory memory) in _memories)
        {
            await loop.InvokeAsync(() =>
            {
                bytes += memory.RentedBytes;
                objects += memory.ObjectsInUse;
                waiting += memory.Waiting;
                return ValueTask.CompletedTask;
            });
        }
        return (bytes, objects, waiting);
    });

    /// <summary>
    /// Offers an export. The empty name selects the default: the first export added that is not hidden, unless another
    /// says that it is.
    /// </summary>
    /// <exception cref="ArgumentException">
    /// There is an export of this name, or a default, already; or it requires TLS, and the server speaks none.
    /// </exception>
    public void AddExport(NbdExport export, bool isDefault = false)
    {
        ArgumentNullException.ThrowIfNull(export);
        if (export.RequiresTls && _tls is null)
            throw new ArgumentException($"{Printable.Name(export.Name)} requires TLS.", nameof(export));
        _exports.Add(export, isDefault);
    }

    /// <summary>
    /// Stops: no more connections, options are answered ERR_SHUTDOWN, what is in flight finishes, connections are closed.
    /// Requests that were not started are left without an answer, for the client to send again on another connection.
    /// Devices are not flushed: they are not the server's.
    /// </summary>
    /// <param name="bound">How long requests in flight may take; then connections are closed all the same.</param>
    public Task StopAsync(TimeSpan bound)
    {
        lock (_lock)
            return _stopped ??= _loop.InvokeAsync(() => StopOnLoopAsync(bound));
    }

    /// <summary>Stops at once, unless <see cref="StopAsync"/> has been called before.</summary>
    public async ValueTask DisposeAsync() => await StopAsync(TimeSpan.Zero);

    private async ValueTask NegotiateAsync(int fd, ServedClient client)
    {
        string peer = client.Peer;
        HandshakeChannel channel = new(_loop, fd);
        TlsNegotiation tls = new(_tls, client);
        Handshake handshake = new(channel, _exports, tls, client.Limits, _optionMemory, peer, _logger) { IsStopping = _isStopping };
        _handshakes.Add(handshake, (channel, client));
        ChosenExport? chosen = null;
        try
        {
            await using ITimer deadline = _loop.Time.CreateTimer(
                _ => channel.Abort(new EndReason("the handshake took too long", false)), null,
                client.Limits.HandshakeTimeout, Timeout.InfiniteTimeSpan);
            channel.Open();
            chosen = await handshake.RunAsync();
            if (chosen is null)
                _logger.HandshakeEnded(peer, "client aborted");
        }
        catch (HandshakeException e) when (e.Reason.IsOrderly)
        {
            _logger.HandshakeEnded(peer, e.Reason.Text);
        }
        catch (HandshakeException e)
        {
            _logger.HandshakeBroken(peer, e.Reason.Text);
        }
#pragma warning disable CA1031 // A mistake of the server's must not take the other connections with it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _logger.HandshakeBug(peer, e);
        }
        _handshakes.Remove(handshake);
        // An export may have been removed while its name was on its way to the client.
        if (chosen is not null && _exports.Has(chosen.Export))
        {
            Serve(channel, chosen, client);
            return;
        }
        channel.Close();
        SlotFreed(client);
    }

    private void Serve(HandshakeChannel channel, ChosenExport chosen, ServedClient client)
    {
        NbdExport export = chosen.Export;
        _logger.Serving(client.Peer, Printable.Name(export.Name));
        if (!_memories.TryGetValue(export.Loop, out LoopMemory? memory))
            _memories.Add(export.Loop, memory = new LoopMemory(export.Loop, _loopLimits, _pinned));
        byte[] early = channel.Detach(out Transport transport);
        var connection = new NbdConnection(
            transport, chosen, client.Limits, memory, client, early, _logger,
            ended => _loop.Post(new Step(() => Ended(ended))));
        _connections.Add(connection);
        connection.PostBegin();
        if (_isStopping)
            connection.PostLeave();
    }

    private void Ended(NbdConnection connection)
    {
        _connections.Remove(connection);
        SlotFreed(connection.Client);
    }

    private void SlotFreed(ServedClient client)
    {
        _admission.Leave(client.Identity);
        _changed.TrySetResult();
    }
}
