using System.Net;
using System.Net.Sockets;
using DmIo.Nbd.Sockets;
using DmIo.Testing;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>Who is let in: allow lists, connections of one peer, and what of it is told.</summary>
internal sealed class AdmissionTests
{
    [TestCase("192.0.2.0/24", "192.0.2.7", true)]
    [TestCase("192.0.2.0/24", "192.0.3.7", false)]
    [TestCase("192.0.2.7/32", "192.0.2.7", true)]
    [TestCase("192.0.2.7/32", "192.0.2.6", false)]
    [TestCase("0.0.0.0/0", "203.0.113.9", true)]
    [TestCase("0.0.0.0/0", "2001:db8::1", false)]
    [TestCase("2001:db8::/32", "2001:db8:1::1", true)]
    [TestCase("2001:db8::/32", "2001:db9::1", false)]
    [TestCase("::ffff:192.0.2.0/120", "192.0.2.7", true)]
    [TestCase("::ffff:192.0.2.0/120", "192.0.3.7", false)]
    [TestCase("::ffff:0:0/96", "192.0.2.7", true)]
    [TestCase("::ffff:0:0/95", "192.0.2.7", false)]
    [TestCase("::/0", "192.0.2.7", false)]
    [TestCase("192.0.2.0/24", "127.0.0.1", false)]
    [TestCase("2001:db8::/32", "::1", false)]
    public void Networks_hold_their_addresses(string network, string address, bool isAllowed)
    {
        // Goal: IPv4, IPv6 and the one in the other; the loopback address is one like others.
        var allow = new NbdAllow { Networks = [IPNetwork.Parse(network)] };
        Assert.That(allow.Allows(new PeerIdentity(IPAddress.Parse(address), null)), Is.EqualTo(isAllowed));
    }

    [Test]
    public void Each_list_is_for_its_own_kind_and_an_empty_one_keeps_nobody_out()
    {
        // Goal: users are not asked for addresses, nor addresses for users; who has neither is let in without lists alone.
        PeerIdentity address = new(IPAddress.Loopback, null);
        PeerIdentity user = new(null, 5);
        var nobody = new NbdAllow();
        var users = new NbdAllow { UserIds = [5, 7] };
        var networks = new NbdAllow { Networks = [IPNetwork.Parse("192.0.2.0/24")] };
        Assert.That(new[] { address, user, default }.Select(nobody.Allows), Is.All.True);
        Assert.That(new[] { address, user, default }.Select(users.Allows), Is.EqualTo(new[] { true, true, false }));
        Assert.That(new[] { address, user, default }.Select(networks.Allows), Is.EqualTo(new[] { false, true, false }));
        Assert.That(users.Allows(new PeerIdentity(null, 6)), Is.False);
    }

    [Test]
    public void Who_is_not_allowed_is_closed_at_once_told_once_and_counted()
    {
        // Goal: no greeting, one line with the address however often it tries.
        using var server = new TestServer(
            overTcp: true, allow: new NbdAllow { Networks = [IPNetwork.Parse("127.0.0.2/32")] });
        for (int i = 0; i < 50; i++)
        {
            using NbdProbe refused = server.Connect();
            refused.ExpectClosed();
        }
        Assert.That(server.Log.Of(3007).Single(), Does.StartWith("127.0.0.1:").And.Contain("allowed"));
        Assert.That(server.Server.Refusals, Is.EqualTo(new NbdRefusals(50, 0, 0)));
        using NbdProbe allowed = ConnectFrom(server, "127.0.0.2");
        allowed.Go();
    }

    [Test]
    public void Who_is_gone_before_it_is_taken_is_still_known()
    {
        // Goal: a client that is allowed and gives up at once is not counted, nor told of, as one that is not allowed.
        using var server = new TestServer(overTcp: true, allow: new NbdAllow { Networks = [IPNetwork.Parse("127.0.0.1/32")] });
        using var gone = new ManualResetEventSlim();
        Task blocked = server.Front.InvokeAsync(() =>
        {
            gone.Wait();
            return ValueTask.CompletedTask;
        });
        server.Connect().Reset();
        gone.Set();
        TestServer.Wait(blocked);
        Assert.That(server.Log.WaitFor(3014), Does.StartWith("127.0.0.1:"));
        Assert.That(server.Server.Refusals, Is.EqualTo(new NbdRefusals(0, 0, 0)));
    }

    [Test]
    public void Users_of_unix_sockets_are_told_apart()
    {
        // Goal: SO_PEERCRED decides; the refusal names the user.
        uint mine = uint.Parse(
            File.ReadLines("/proc/self/status").Single(l => l.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[2]);
        using var server = new TestServer(allow: new NbdAllow { UserIds = [mine + 1] });
        using (NbdProbe refused = server.Connect())
            refused.ExpectClosed();
        Assert.That(server.Log.Of(3007).Single(), Does.Contain($"uid={mine}"));
        TestServer.Wait(server.Server.ChangeAdmissionAsync(new NbdLimits(), new NbdAllow { UserIds = [mine] }));
        using NbdProbe allowed = server.Go();
    }

    [Test]
    public void Connections_of_one_peer_are_bounded_and_leave_room_for_others()
    {
        // Goal: each address has slots of its own, which come back; who wants more is told of once.
        using var server = new TestServer(new NbdLimits { MaxConnectionsPerPeer = 2 }, overTcp: true);
        for (int round = 0; round < 10; round++)
        {
            using NbdProbe first = server.Go();
            using NbdProbe silent = server.Connect();
            server.WaitForConnections(2);
            using (NbdProbe refused = server.Connect())
                refused.ExpectClosed();
            using (NbdProbe other = ConnectFrom(server, "127.0.0.2"))
                other.Go();
            first.Dispose();
            silent.Dispose();
            server.WaitForConnections(0);
        }
        Assert.That(
            server.Log.Of(3006).Single(), Does.StartWith("127.0.0.1:").And.Contain("2 connections of 127.0.0.1 are open"));
        Assert.That(server.Server.Refusals, Is.EqualTo(new NbdRefusals(0, 0, 10)));
    }

    [Test]
    public void Connections_of_one_user_are_bounded()
    {
        // Goal: over Unix sockets it is the user that counts.
        using var server = new TestServer(new NbdLimits { MaxConnectionsPerPeer = 2 });
        using NbdProbe first = server.Go();
        using NbdProbe second = server.Go();
        using NbdProbe third = server.Connect();
        third.ExpectClosed();
        Assert.That(server.Log.WaitFor(3006), Does.Contain("of user "));
    }

    [TestCase("2001:db8:0:1::1", "2001:db8:0:1::2", true)]
    [TestCase("2001:db8:0:1::1", "2001:db8:0:2::1", false)]
    [TestCase("192.0.2.1", "192.0.2.2", false)]
    [TestCase("fe80::1", "fe80::2", false)]
    [TestCase("::1", "::2", false)]
    public void Addresses_that_one_host_may_take_at_will_count_as_one(string a, string b, bool isSame)
    {
        // Goal: the second half of an IPv6 address is the host's own choice.
        PeerIdentity Of(string address) => new PeerIdentity(IPAddress.Parse(address), null).Group;
        Assert.That(Of(a) == Of(b), Is.EqualTo(isSame));
    }

    [Test]
    public void A_change_holds_for_those_who_come_and_leaves_those_who_are_there()
    {
        // Goal: a reload lets nobody go; what the loops share is refused, not forgotten.
        using var server = new TestServer(overTcp: true);
        using NbdProbe stays = server.Go();
        TestServer.Wait(server.Server.ChangeAdmissionAsync(
            new NbdLimits { MaxConnections = 1 }, new NbdAllow { Networks = [IPNetwork.Parse("127.0.0.0/8")] }));
        using (NbdProbe refused = server.Connect())
            refused.ExpectClosed();
        Assert.That(server.Log.WaitFor(3005), Does.Contain("1 connections"));
        Assert.That(stays.Read(0, 512), Is.All.Zero);
        Assert.That(
            () => server.Server.ChangeAdmissionAsync(new NbdLimits { MaxRequestsInFlightPerLoop = 5 }, new NbdAllow()),
            Throws.ArgumentException);
    }

    [Test]
    public void A_change_holds_for_long_options_too()
    {
        // Goal: what options may take in all is one of the limits that a reload changes.
        using var server = new TestServer();
        byte[] option = NbdProbe.Option(99, new byte[64 << 10]);
        TestServer.Wait(server.Server.ChangeAdmissionAsync(new NbdLimits { MaxOptionBytesInFlight = 0 }, new NbdAllow()));
        using (NbdProbe refused = server.Connect())
        {
            refused.Greet();
            refused.Send(option.AsSpan(0, OptionHeaderBytes));
            refused.ExpectClosed();
        }
        Assert.That(server.Log.WaitFor(3014), Does.Contain("65536 bytes").And.Contain("others"));
        TestServer.Wait(server.Server.ChangeAdmissionAsync(new NbdLimits(), new NbdAllow()));
        using NbdProbe answered = server.Connect();
        answered.Greet();
        answered.Send(option);
        Assert.That(answered.ReadOptionReply().Type, Is.EqualTo(NBD_REP_ERR_UNSUP));
    }

    [Test]
    public void Refusals_are_told_at_most_once_a_minute_for_each_peer_and_reason()
    {
        // Goal: a log that nobody can fill, and that forgets nobody: those that were not told of are counted.
        var loop = new ManualLoop();
        var told = new RefusalLog(loop.Time);
        PeerIdentity first = new(IPAddress.Parse("192.0.2.1"), null);
        PeerIdentity second = new(IPAddress.Parse("192.0.2.2"), null);
        Assert.That(told.IsDue("allow", first, out long more), Is.True);
        Assert.That(told.IsDue("allow", second, out _), Is.True);
        Assert.That(told.IsDue("peer", first, out _), Is.True);
        for (int i = 0; i < 100; i++)
            Assert.That(told.IsDue("allow", first, out _), Is.False);
        loop.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.That(told.IsDue("allow", first, out more), Is.True);
        Assert.That(more, Is.EqualTo(100));
        Assert.That(told.IsDue("allow", first, out _), Is.False);
    }

    [Test]
    public void Refusals_of_any_number_of_peers_are_told_in_a_few_lines()
    {
        // Goal: whoever comes from a thousand addresses fills neither the log nor the memory.
        var loop = new ManualLoop();
        var told = new RefusalLog(loop.Time);
        int lines = 0;
        for (int i = 0; i < 1000; i++)
        {
            if (told.IsDue("allow", new PeerIdentity(new IPAddress(0x0a000000 + i), null), out _))
                lines++;
        }
        Assert.That(lines, Is.InRange(10, 100));
        loop.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.That(told.IsDue("allow", new PeerIdentity(IPAddress.Parse("192.0.2.1"), null), out _), Is.True);
    }

    [Test]
    public void Peers_that_stay_away_make_room_for_others_and_are_not_forgotten()
    {
        // Goal: who was refused more than once and never comes back keeps no place among those that are told of one by one;
        // what was not told of it is told with the next that are told of together.
        const int most = 64;
        var loop = new ManualLoop();
        var told = new RefusalLog(loop.Time);
        bool IsDue(int peer, out long more) =>
            told.IsDue("allow", new PeerIdentity(new IPAddress(0x0a000000 + peer), null), out more);
        for (int i = 0; i < most; i++)
        {
            Assert.That(IsDue(i, out _), Is.True);
            Assert.That(IsDue(i, out _), Is.False);
        }
        Assert.That(IsDue(most, out _), Is.True, "the first of the others");
        Assert.That(IsDue(most + 1, out _), Is.False, "the second");
        loop.Time.Advance(TimeSpan.FromMinutes(2));
        for (int i = 1000; i < 1000 + most - 1; i++)
        {
            Assert.That(IsDue(i, out long more), Is.True, "each has a line of its own again");
            Assert.That(more, Is.Zero);
        }
        Assert.That(IsDue(2000, out long untold), Is.True);
        Assert.That(untold, Is.EqualTo(most + 1));
    }

    private static NbdProbe ConnectFrom(TestServer server, string address)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
        socket.Connect(server.Listener.Address);
        return new NbdProbe(socket);
    }
}
