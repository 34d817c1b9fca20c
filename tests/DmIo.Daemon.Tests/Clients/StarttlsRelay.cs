using System.Net;
using System.Net.Sockets;

namespace DmIo.Daemon.Tests;

/// <summary>
/// Lets programs that know TLS and nothing of NBD speak to a server: does the part in the clear up to STARTTLS itself, then
/// passes bytes between the program and the server. Takes one connection.
/// </summary>
internal sealed class StarttlsRelay : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Task _relayed;

    public StarttlsRelay(string serverPath)
    {
        _listener.Start();
        _relayed = RelayAsync(serverPath);
    }

    public string Address => _listener.LocalEndpoint.ToString()!;

    public void Dispose()
    {
        _listener.Stop();
        try
        {
            _relayed.Wait(Deadline.Usual);
        }
        catch (AggregateException e) when (e.InnerException is SocketException or IOException)
        {
        }
    }

    private async Task RelayAsync(string serverPath)
    {
        using Socket program = await _listener.AcceptSocketAsync();
        using Socket server = NbdClient.Dial(serverPath);
        using var raw = new RawClient(server, []);
        raw.Greet();
        if (!raw.IsGranted(Wire.StartTls))
            throw new InvalidOperationException("STARTTLS was refused");
        using var a = new NetworkStream(program);
        using var b = new NetworkStream(server);
        Task up = PassAsync(a, b, server);
        await PassAsync(b, a, program);
        await up;
    }

    private static async Task PassAsync(NetworkStream from, NetworkStream to, Socket socket)
    {
        await from.CopyToAsync(to);
        socket.Shutdown(SocketShutdown.Send);
    }
}
