using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace DmIo.Daemon.Control;

/// <summary>
/// HTTP over the control socket: Kestrel alone, without the web framework around it, which would cost every daemon memory
/// and time at its start.
/// </summary>
internal sealed class ControlHost : IAsyncDisposable
{
    // Whoever still reads an answer then has had time to; the volumes wait for this.
    private static readonly TimeSpan s_stopBound = TimeSpan.FromSeconds(1);

    // Arbitrary: people and scripts, far more than ever follow or wait at once; each costs some buffers.
    private const int MaxConnections = 256;

    private readonly CancellationTokenSource _stopping;
    private readonly KestrelServer _server;

    private ControlHost(KestrelServer server, CancellationTokenSource stopping)
    {
        _server = server;
        _stopping = stopping;
    }

    /// <summary>Begins to answer at a socket, which it takes over.</summary>
    public static async Task<ControlHost> StartAsync(
        ControlSocket socket, IReadOnlyList<Operation> operations, ILoggerFactory loggers)
    {
        var options = new KestrelServerOptions { AddServerHeader = false };
        options.ListenHandle((ulong)socket.TakeDescriptor());
        options.Limits.MaxConcurrentConnections = MaxConnections;
        // Whoever follows events may look at them for as long as it likes before it reads on.
        options.Limits.MinResponseDataRate = null;
        // No threads of its own: there is little to do.
        var transport = new SocketTransportOptions { IOQueueCount = 0 };
        var server = new KestrelServer(
            Options.Create(options), new SocketTransportFactory(Options.Create(transport), loggers), loggers);
        var stopping = new CancellationTokenSource();
        var router = new ControlRouter(operations, loggers.CreateLogger("DmIo.Daemon"), stopping.Token);
        await server.StartAsync(router, CancellationToken.None);
        return new ControlHost(server, stopping);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        using var bound = new CancellationTokenSource(s_stopBound);
        try
        {
            await _server.StopAsync(bound.Token);
        }
        catch (OperationCanceledException)
        {
            // What was still open is closed.
        }
        _server.Dispose();
        _stopping.Dispose();
    }
}
