using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>The probe in TLS. Any server certificate is good; which one it was can be asked.</summary>
internal sealed partial class NbdProbe
{
    private SslStream? _tls;

    /// <summary>The bytes that the server has sent since TLS began, as they were on the wire.</summary>
    public WireTap? Tap { get; private set; }

    /// <summary>What the server has shown.</summary>
    public X509Certificate? ServerCertificate => _tls?.RemoteCertificate;

    /// <summary>Asks for TLS, and begins it.</summary>
    public NbdProbe StartTls(X509Certificate2? certificate = null, SslProtocols protocols = SslProtocols.None)
    {
        OptionReply reply = Ask(NBD_OPT_STARTTLS)[^1];
        Assert.That(reply.Type, Is.EqualTo(NBD_REP_ACK), reply.Text);
        BeginTls(certificate, protocols);
        return this;
    }

    /// <summary>Begins TLS.</summary>
    public void BeginTls(
        X509Certificate2? certificate = null, SslProtocols protocols = SslProtocols.None, int pieceBytes = 0)
    {
        Tap = new WireTap(new NetworkStream(_socket)) { PieceBytes = pieceBytes };
        var tls = new SslStream(Tap);
        var options = new SslClientAuthenticationOptions
        {
            EnabledSslProtocols = protocols,
#pragma warning disable CA5359 // Whoever it is, it is the server that is tested.
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
        };
        if (certificate is not null)
            options.ClientCertificates = [certificate];
        tls.AuthenticateAsClient(options);
        _tls = tls;
    }

    /// <summary>The server lets nobody in: at once, or when the client's certificate was looked at.</summary>
    public void ExpectNoTls(X509Certificate2? certificate = null)
    {
        int answer = 0;
        try
        {
            StartTls(certificate);
            // In TLS 1.3 a client thinks that it is in before the server has looked.
            Send(Option(NBD_OPT_LIST));
            answer = _tls!.ReadByte();
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            return;
        }
        Assert.That(answer, Is.EqualTo(-1), "the client was let in");
    }

    /// <summary>All that comes before the server closes is no option reply: an alert at most.</summary>
    public void ExpectNothingOfNbd()
    {
        var all = new MemoryStream();
        byte[] some = new byte[4096];
        try
        {
            for (int n; (n = _socket.Receive(some)) > 0;)
                all.Write(some, 0, n);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset)
        {
        }
        Assert.That(all.ToArray().AsSpan().IndexOf(Bytes.U64(NBD_REP_MAGIC)), Is.EqualTo(-1));
    }

    /// <summary>Waits until the server can send no more, as far as it can be seen from here.</summary>
    public void ExpectFull()
    {
        int before;
        do
        {
            before = _socket.Available;
            Thread.Sleep(QuietMs);
        }
        while (_socket.Available > before);
    }

    /// <summary>Sends past TLS.</summary>
    public void SendRaw(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
            bytes = bytes[_socket.Send(bytes)..];
    }

    /// <summary>Tells that nothing more comes, in TLS alone.</summary>
    public void SendCloseNotify() => _tls!.ShutdownAsync().Wait();
}
