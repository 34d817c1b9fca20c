using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using DmIo.Nbd.Sockets;

namespace DmIo.Nbd.Tests;

/// <summary>Where connections are taken: Unix sockets fresh, stale and live, TCP ports.</summary>
internal sealed class ListenerTests
{
    private TestServer _server = null!;

    [SetUp]
    public void SetUp() => _server = new TestServer();

    [TearDown]
    public void TearDown() => _server.Dispose();

    [Test]
    public void A_stale_socket_is_replaced()
    {
        // Goal: what a killed daemon left behind does not keep the next one from starting.
        string path = _server.PathOf("stale");
        var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        dead.Bind(new UnixDomainSocketEndPoint(path));
        // Disposing the socket itself would remove the file.
        dead.SafeHandle.Dispose();
#pragma warning disable CA1816
        GC.SuppressFinalize(dead);
#pragma warning restore CA1816
        Assert.That(Path.Exists(path));
        NbdListener listener = TestServer.Wait(_server.Server.ListenUnixAsync(path));
        using NbdProbe probe = new(listener.Address);
        probe.Go();
    }

    [Test]
    public void A_live_socket_is_left_alone()
    {
        // Goal: two daemons never share a path; the second says so, the first keeps serving.
        AggregateException failure = Assert.Throws<AggregateException>(
            () => _server.Server.ListenUnixAsync(_server.Listener.UnixPath!).Wait())!;
        Assert.That(failure.InnerException, Is.InstanceOf<NbdListenException>());
        Assert.That(failure.InnerException!.Message, Does.Contain("another server listens there"));
        using NbdProbe probe = _server.Go();
    }

    [Test]
    public void A_file_that_is_no_socket_is_left_alone()
    {
        // Goal: a slip of the keyboard deletes nobody's file.
        string path = _server.PathOf("file");
        File.WriteAllText(path, "precious");
        AggregateException failure = Assert.Throws<AggregateException>(
            () => _server.Server.ListenUnixAsync(path).Wait())!;
        Assert.That(failure.InnerException!.Message, Does.Contain("is no socket"));
        Assert.That(File.ReadAllText(path), Is.EqualTo("precious"));
    }

    [TestCase("")]
    [TestCase("a/b")]
    [TestCase("long")]
    public void A_path_that_cannot_be_is_explained(string name)
    {
        // Goal: name, reason and remedy in one sentence.
        string path = name switch
        {
            "" => "",
            "long" => _server.PathOf(new string('x', 120)),
            _ => _server.PathOf(name),
        };
        AggregateException failure = Assert.Throws<AggregateException>(
            () => _server.Server.ListenUnixAsync(path).Wait())!;
        Assert.That(failure.InnerException, Is.InstanceOf<NbdListenException>());
        Assert.That(failure.InnerException!.Message, Does.StartWith($"{path}: ").And.Contain("; "));
    }

    [Test]
    public void Port_0_takes_a_free_port_and_a_taken_one_is_explained()
    {
        // Goal: the bound address is told; a second server on it is refused with the reason.
        NbdListener listener = TestServer.Wait(
            _server.Server.ListenTcpAsync(new IPEndPoint(IPAddress.Loopback, 0)));
        var bound = (IPEndPoint)listener.Address;
        Assert.That(bound.Port, Is.Not.Zero);
        using (NbdProbe probe = new(bound))
            probe.Go();
        AggregateException failure = Assert.Throws<AggregateException>(
            () => _server.Server.ListenTcpAsync(bound).Wait())!;
        Assert.That(failure.InnerException!.Message, Does.StartWith(bound.ToString()));
    }

    [Test]
    public void Ipv6_is_listened_on_like_ipv4()
    {
        // Goal: the peer's address is told in the log, in the form that people write.
        Assert.That(Socket.OSSupportsIPv6, "This test needs ::1: switch IPv6 on for the loopback interface.");
        NbdListener listener = TestServer.Wait(
            _server.Server.ListenTcpAsync(new IPEndPoint(IPAddress.IPv6Loopback, 0)));
        using NbdProbe probe = new(listener.Address);
        probe.Go();
        Assert.That(_server.Log.WaitFor(3010), Does.StartWith("[::1]:").And.Contain("\"vol0\""));
    }

    [Test]
    public void Addresses_of_IPv6_leave_those_of_IPv4_alone()
    {
        // Goal: [::] and 0.0.0.0 are two listeners, on the same port too.
        NbdListener six = TestServer.Wait(_server.Server.ListenTcpAsync(new IPEndPoint(IPAddress.IPv6Any, 0)));
        int port = ((IPEndPoint)six.Address).Port;
        Assert.That(
            () => new NbdProbe(new IPEndPoint(IPAddress.Loopback, port)), Throws.InstanceOf<SocketException>());
        TestServer.Wait(_server.Server.ListenTcpAsync(new IPEndPoint(IPAddress.Any, port)));
        foreach (IPAddress address in (IPAddress[])[IPAddress.Loopback, IPAddress.IPv6Loopback])
        {
            using NbdProbe probe = new(new IPEndPoint(address, port));
            probe.Go();
        }
    }

    [Test]
    [SupportedOSPlatform("linux")]
    public void A_sockets_file_never_has_wider_rights_than_it_is_to_have()
    {
        // Goal: nobody slips in: the mode is right when the file appears, less the umask, and to the letter when it is
        // listened on.
        const UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupWrite;
        var access = new UnixSocketAccess(mode, null);
        string path = _server.PathOf("bound");
        using (Socket socket = ListenSocket.MakeUnix(path, access))
        {
            socket.Bind(new UnixDomainSocketEndPoint(path));
            Assert.That(File.GetUnixFileMode(path) & ~mode, Is.EqualTo(UnixFileMode.None));
            Assert.That(
                () => new NbdProbe(new UnixDomainSocketEndPoint(path)), Throws.InstanceOf<SocketException>(), "not yet");
        }
        TestServer.Wait(_server.Server.ListenUnixAsync(path, access));
        Assert.That(File.GetUnixFileMode(path), Is.EqualTo(mode));
        using NbdProbe probe = new(new UnixDomainSocketEndPoint(path));
        probe.Go();
    }

    [Test]
    public void A_stop_removes_the_socket_but_not_another_servers()
    {
        // Goal: after a stop the path is free; one that was replaced meanwhile belongs to whoever replaced it.
        string path = _server.Listener.UnixPath!;
        string other = _server.PathOf("other");
        TestServer.Wait(_server.Server.ListenUnixAsync(other));
        File.Delete(other);
        using var usurper = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        usurper.Bind(new UnixDomainSocketEndPoint(other));
        TestServer.Wait(_server.Server.StopAsync(TimeSpan.FromSeconds(5)));
        Assert.That(Path.Exists(path), Is.False);
        Assert.That(Path.Exists(other), Is.True);
    }
}
