using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace DmIo.Nbd.Tests;

/// <summary>Sockets that are there already: listening ones of a service manager, and a connection (checklist 2.15).</summary>
internal sealed class PassedSocketTests
{
    private readonly List<Socket> _sockets = [];
    private string _directory = null!;

    [SetUp]
    public void SetUp() => _directory = Directory.CreateTempSubdirectory("dmio-nbd-").FullName;

    [TearDown]
    public void TearDown()
    {
        foreach (Socket socket in _sockets)
            socket.Dispose();
        _sockets.Clear();
        Directory.Delete(_directory, recursive: true);
    }

    [TestCase(false)]
    [TestCase(true)]
    public void Clients_that_come_after_a_stop_are_served_by_the_next_server(bool overTcp)
    {
        // Goal: a restart with the socket kept refuses nobody; what the socket is stays as it was.
        Socket kept = overTcp ? Bound(new IPEndPoint(IPAddress.IPv6Loopback, 0)) : Bound(InDirectory("kept"));
        kept.Listen();
        using (var first = new TestServer())
        {
            PassedSocket passed = Passed(kept, "nbd");
            NbdListener listener = TestServer.Wait(first.Server.ListenAsync(passed));
            Assert.That(listener.ToString(), Is.EqualTo(kept.LocalEndPoint!.ToString()));
            Assert.That(first.Log.WaitFor(3008), Is.EqualTo(
                $"Listening on {listener}, passed as descriptor {passed.Descriptor} (\"nbd\")"));
            using (NbdProbe probe = new(listener.Address))
                probe.Go();
            TestServer.Wait(first.Server.StopAsync(TimeSpan.FromSeconds(5)));
        }
        using NbdProbe waiting = new(kept.LocalEndPoint!);
        waiting.ExpectSilence();
        using var second = new TestServer();
        TestServer.Wait(second.Server.ListenAsync(Passed(kept, "")));
        waiting.Go();
        Assert.That(kept.LingerState!.Enabled, Is.False, "who comes later would be cut off by a reset");
        if (!overTcp)
        {
            TestServer.Wait(second.Server.StopAsync(TimeSpan.FromSeconds(5)));
            Assert.That(Path.Exists(kept.LocalEndPoint!.ToString()), "the file is another's");
        }
    }

    [Test]
    public void A_name_outside_the_file_system_is_listened_on()
    {
        // Goal: abstract Unix sockets are served, and shown as people write them.
        string name = $"dmio-nbd-{Guid.NewGuid():N}";
        Socket kept = Bound(new UnixDomainSocketEndPoint($"\0{name}"));
        kept.Listen();
        using var server = new TestServer();
        NbdListener listener = TestServer.Wait(server.Server.ListenAsync(Passed(kept, "")));
        Assert.That(listener.ToString(), Is.EqualTo($"@{name}"));
        using NbdProbe probe = new(listener.Address);
        probe.Go();
    }

    [Test]
    public void What_is_no_listening_stream_socket_is_refused_by_name()
    {
        // Goal: descriptor, reason and remedy in one sentence, for every wrong kind.
        var datagrams = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        _sockets.Add(datagrams);
        Socket silent = Bound(new IPEndPoint(IPAddress.Loopback, 0));
        using FileStream file = File.Create(Path.Combine(_directory, "file"));
        AssertRefused(Fd(datagrams), "is a socket for datagrams or packets");
        AssertRefused(Fd(silent), "is a socket on which nobody listens");
        AssertRefused((int)file.SafeFileHandle.DangerousGetHandle(), "is no socket");
        AssertRefused(60_000, "is not open");
    }

    [Test]
    public void A_connection_that_is_there_is_served_to_its_end()
    {
        // Goal: one client and no listener; whoever waits is told when it has left, and by what name it was served.
        using NbdProbe probe = Connect(InDirectory("pair"), out Socket accepted);
        using var server = new TestServer();
        Task served = server.Server.ServeAsync(Duplicate(Fd(accepted)), "stdio");
        accepted.Dispose();
        probe.Go();
        Assert.That(probe.Write(512, Bytes.Random(512, 1)), Is.Zero);
        Assert.That(served.IsCompleted, Is.False);
        Assert.That(server.Log.WaitFor(3010), Is.EqualTo("stdio: serving export \"vol0\""));
        probe.Send(NbdProbe.Request(Wire.NbdConstants.NBD_CMD_DISC, 0, 0));
        TestServer.Wait(served);
        probe.ExpectClosed();
        Assert.That(server.Server.ConnectionCount, Is.Zero);
    }

    [Test]
    public void Whoever_waits_for_a_connection_is_told_when_its_handshake_fails()
    {
        // Goal: a client that never becomes one is an end, too.
        using NbdProbe probe = Connect(InDirectory("pair"), out Socket accepted);
        using var server = new TestServer();
        Task served = server.Server.ServeAsync(Duplicate(Fd(accepted)));
        accepted.Dispose();
        probe.ReadGreeting();
        probe.Socket.Close();
        TestServer.Wait(served);
        Assert.That(server.Log.WaitFor(3013), Does.StartWith("unix:pid="));
    }

    [Test]
    public void A_connection_that_is_there_is_set_up_like_one_that_is_accepted()
    {
        // Goal: small replies go out at once, and a peer that is gone without a word is found out.
        using NbdProbe probe = Connect(new IPEndPoint(IPAddress.Loopback, 0), out Socket accepted);
        using var server = new TestServer();
        Task served = server.Server.ServeAsync(Duplicate(Fd(accepted)));
        probe.Go();
        Assert.That(accepted.NoDelay);
        Assert.That(accepted.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive), Is.Not.Zero);
        Assert.That(accepted.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime), Is.EqualTo(300));
        accepted.Dispose();
        probe.Send(NbdProbe.Request(Wire.NbdConstants.NBD_CMD_DISC, 0, 0));
        TestServer.Wait(served);
    }

    [Test]
    public void A_connection_that_comes_too_late_is_closed_and_refused_aloud()
    {
        // Goal: the descriptor is the server's from the call on; its client does not wait for a greeting.
        using NbdProbe probe = Connect(InDirectory("pair"), out Socket accepted);
        using var server = new TestServer();
        TestServer.Wait(server.Server.StopAsync(TimeSpan.FromSeconds(5)));
        Task served = server.Server.ServeAsync(Duplicate(Fd(accepted)));
        accepted.Dispose();
        probe.ExpectClosed();
        Assert.That(served.Wait, Throws.InnerException.InstanceOf<ObjectDisposedException>());
    }

    private NbdProbe Connect(EndPoint to, out Socket accepted)
    {
        Socket listening = Bound(to);
        listening.Listen();
        var probe = new NbdProbe(listening.LocalEndPoint!);
        _sockets.Add(accepted = listening.Accept());
        return probe;
    }

    private static void AssertRefused(int fd, string reason)
    {
        NbdListenException refusal = Assert.Throws<NbdListenException>(() => PassedSocket.Open(fd, "web"))!;
        Assert.That(refusal.Message, Does.StartWith($"descriptor {fd} (\"web\") {reason}").And.Contain("; pass a TCP or Unix"));
    }

    private static int Fd(Socket socket) => (int)socket.SafeHandle.DangerousGetHandle();

    // The server closes what it is passed.
    private static PassedSocket Passed(Socket kept, string name) => PassedSocket.Open(Duplicate(Fd(kept)), name);

    private UnixDomainSocketEndPoint InDirectory(string name) => new(Path.Combine(_directory, name));

    private Socket Bound(EndPoint address)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        _sockets.Add(socket);
        socket.Bind(address);
        return socket;
    }

    [DllImport("libc", EntryPoint = "dup")]
    private static extern int Duplicate(int fd);
}
