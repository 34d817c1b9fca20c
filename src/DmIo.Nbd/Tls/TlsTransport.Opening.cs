using System.Net.Security;
using System.Security.Authentication;

namespace DmIo.Nbd.Tls;

/// <summary>The TLS handshake: its bytes come and go as the loop tells of room and data.</summary>
internal sealed partial class TlsTransport
{
    private Action? _wantsWritable;

    /// <summary>Greets the client in TLS.</summary>
    /// <param name="options">Certificates and rules.</param>
    /// <param name="wantsWritable">Asks for one <see cref="Writable"/>.</param>
    /// <exception cref="TlsException">It came to nothing.</exception>
    public async ValueTask OpenAsync(SslServerAuthenticationOptions options, Action wantsWritable)
    {
        _wantsWritable = wantsWritable;
        try
        {
            Task opened = _ssl.AuthenticateAsServerAsync(options);
            Readable();
            await opened;
            IsOpen = true;
        }
        catch (Exception e) when (e is AuthenticationException or IOException or InvalidOperationException)
        {
            throw new TlsException(TlsFailure.Describe(e));
        }
        finally
        {
            // The alert that tells the client why.
            if (Flush() == Errno.EAGAIN)
                wantsWritable();
        }
    }

    /// <summary>Whether the handshake is done.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>How the client and the server speak.</summary>
    public NbdTlsInfo Describe(string? peerName) => new(
        _ssl.SslProtocol == SslProtocols.Tls12 ? "TLS 1.2" : "TLS 1.3", _ssl.NegotiatedCipherSuite.ToString(), peerName);

    /// <summary>There may be something to receive for the handshake.</summary>
    public void Readable()
    {
        Errno errno = Errno.None;
        while (!IsOpen && _records.IsWaiting && errno == Errno.None)
            errno = ReceiveRecords();
        if (errno is not (Errno.None or Errno.EAGAIN))
            _records.Fail(new IOException(Linux.Libc.Describe(errno)));
        Writable();
    }

    /// <summary>There is room to send what the handshake has written.</summary>
    public void Writable()
    {
        if (!IsOpen && Flush() == Errno.EAGAIN)
            _wantsWritable?.Invoke();
    }

    /// <summary>Ends the handshake from outside.</summary>
    public void Abort() => _records.Fail(new IOException("the handshake was ended"));
}
