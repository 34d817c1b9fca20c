using System.Buffers.Binary;
using System.Net.Sockets;
using DmIo.Nbd;
using DmIo.Testing;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>
/// Memory stays under the stated bound whatever clients do (rule 8): each attack, then all at once, on a daemon with small
/// limits, while a client that behaves goes on being served.
/// </summary>
public sealed class MemoryBoundTests
{
    private const ushort BlockStatus = 7;
    private const int Payload = 64 << 20;
    private const uint OptionGo = 7;
    private const uint OptionStructuredReply = 8;
    private const uint OptionSetMetaContext = 10;
    private const uint OptionStartTls = 5;
    private const byte ReplyAck = 1;

    // Half-open or idle ones cost little each: as many as there may be. Those that keep memory which others wait for are cut
    // off one after the other.
    private const int Many = 120;
    private const int Some = 50;
    private const int Few = 12;

    // What each attack takes at least if it happens at all: about half of what was measured, in MiB.
    private const int LeastOfOptions = 5;
    private const int LeastOfTls = 2;
    private const int LeastOfWrites = 24;
    private const int LeastOfReads = 32;
    private const int LeastOfStatus = 32;
    private const int LeastOfAll = 64;

    // Requests of the client that behaves in which the peak must not have risen any more.
    private const int QuietRequests = 60;

    private static readonly NbdLimits s_limits = new()
    {
        MaxConnections = 4 * Many,
        MaxBytesInFlightPerLoop = 100 << 20,
        MaxRequestsInFlightPerLoop = 2048,
    };

    private readonly TestAuthority _authority = new();
    private readonly List<Socket> _sockets = [];
    private Scratch _scratch = null!;
    private DaemonProcess _daemon = null!;
    private long _idle;
    private int _served;

    [SetUp]
    public void Serve()
    {
        _scratch = new Scratch();
        _authority.WriteServer(_scratch["pki"]);
        WriteHoles(_scratch["holes.img"]);
        string config = _scratch.Write("dmio-nbd.json", $$"""
            {
              "listeners": [ { "unix": "nbd.sock" } ], "control": "off",
              "tls": { "mode": "exports", "certificates": "pki" },
              "exports": [ { "name": "vol0", "device": "holes.img" } ],
              "limits": {
                "maxConnections": {{s_limits.MaxConnections}}, "maxConnectionsPerPeer": {{s_limits.MaxConnections}},
                "maxBytesInFlightPerLoop": "100M", "maxRequestsInFlightPerLoop": 2048, "handshakeTimeoutSeconds": 60,
                "stallTimeoutSeconds": 1,
              },
            }
            """);
        _daemon = DaemonProcess.Serve("--config", config);
        // Whatever serving costs once is there.
        using (NbdClient client = NbdClient.Connect(Socket))
            Assert.That(client.ReadAt(0, 1 << 20, out _), Is.Zero);
        _idle = Peak();
        _served = 0;
    }

    [TearDown]
    public void Stop()
    {
        _sockets.ForEach(s => s.Dispose());
        _sockets.Clear();
        _daemon.Dispose();
        _scratch.Dispose();
    }

    [OneTimeTearDown]
    public void EndAuthority() => _authority.Dispose();

    private string Socket => _scratch["nbd.sock"];

    // Goal: clients that nobody knows yet announce long options, send nearly all of them, and wait.
    [Test]
    public void Half_open_handshakes_with_long_options() => AssertBounded(LeastOfOptions, LongOptions);

    // Goal: TLS that begins and does not go on.
    [Test]
    public void Tls_handshakes_that_stall() => AssertBounded(LeastOfTls, StalledTls);

    // Goal: payloads that never end, each as long as there may be.
    [Test]
    public void Writes_that_stop_in_the_middle() => AssertBounded(LeastOfWrites, UnfinishedWrites);

    // Goal: replies that nobody takes, as long as they may be and as many as there may be.
    [Test]
    public void Reads_whose_replies_are_never_taken() => AssertBounded(LeastOfReads, UntakenReads);

    // Goal: questions for the whole of a file that is all small holes, as many as there may be, whose answers nobody takes.
    [Test]
    public void Block_status_of_many_holes() => AssertBounded(LeastOfStatus, UntakenStatus);

    // Goal: all of it together, and connections that do nothing.
    [Test]
    public void Everything_at_once() =>
        AssertBounded(LeastOfAll, LongOptions, StalledTls, UnfinishedWrites, UntakenReads, UntakenStatus, Idle);

    // A thread of its own for the client that behaves: it is served all the while.
    private void AssertBounded(int leastMiB, params Action[] attacks)
    {
        long bound = s_limits.MemoryBoundBytes(loops: 1);
        using var ending = new CancellationTokenSource();
        Task behaving = Task.Run(() => Behave(ending.Token));
        foreach (Action attack in attacks)
            attack();
        long highest = Peak();
        int since = _served;
        Deadline.WaitFor(() => behaving.IsCompleted || IsQuiet(ref highest, ref since), "the attack's whole effect", TimeSpan.FromMinutes(3));
        ending.Cancel();
        behaving.Wait();
        long peak = Peak() - _idle;
        TestContext.Out.WriteLine(
            $"{peak >> 20} MiB at the most above {_idle >> 20} MiB, bound {bound >> 20} MiB; {_served} requests of the others");
        Assert.That(peak, Is.LessThan(bound).And.GreaterThan((long)leastMiB << 20));
        Assert.That(_daemon.HasExited, Is.False, _daemon.Log);
        Assert.That(_daemon.Log, Does.Not.Contain("   at DmIo"), "an exception was logged with its stack");
        _sockets.ForEach(s => s.Dispose());
        using NbdClient after = NbdClient.Connect(Socket);
        Assert.That(after.ReadAt(0, 4096, out _), Is.Zero);
    }

    private bool IsQuiet(ref long highest, ref int since)
    {
        long now = Peak();
        // Garbage comes and goes.
        if (now > highest + (1 << 20))
            (highest, since) = (now, Volatile.Read(ref _served));
        return Volatile.Read(ref _served) - since >= QuietRequests;
    }

    private void Behave(CancellationToken ending)
    {
        NbdClient client = NbdClient.Connect(Socket);
        while (!ending.IsCancellationRequested)
        {
            Assert.That(client.ReadAt(0, 4096, out _), Is.Zero);
            // New ones come in as well.
            if (Interlocked.Increment(ref _served) % 10 == 0)
            {
                client.Dispose();
                client = NbdClient.Connect(Socket);
            }
        }
        client.Dispose();
    }

    private void LongOptions()
    {
        byte[] option = [.. Magic, .. U32(99), .. U32(256 << 10), .. new byte[(256 << 10) - 1]];
        for (int i = 0; i < Many; i++)
            TrySend(Greeted(), option);
    }

    private void StalledTls()
    {
        byte[] hello = [.. Magic, .. U32(OptionStartTls), .. U32(0)];
        for (int i = 0; i < Many; i++)
        {
            Socket socket = Greeted();
            TrySend(socket, hello);
            Assert.That(Receive(socket, 20)[15], Is.EqualTo(ReplyAck), "the server begins with TLS");
            // A ClientHello of the longest kind that does not come to its end.
            TrySend(socket, [22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc, 3, 3, .. new byte[16000]]);
        }
    }

    private void UnfinishedWrites()
    {
        byte[] payload = new byte[Payload / 4 * 3];
        for (int i = 0; i < Few; i++)
        {
            Socket socket = Going(false);
            TrySend(socket, Request(NbdClient.Write, 0, Payload));
            for (int n = 0; n < 100; n++)
                TrySend(socket, [1]);
            TrySend(socket, payload);
        }
    }

    private void UntakenReads()
    {
        byte[] reads = [.. Enumerable.Range(0, 256).SelectMany(_ => Request(NbdClient.Read, 0, Payload))];
        for (int i = 0; i < Few; i++)
            TrySend(Going(false), reads);
    }

    private void UntakenStatus()
    {
        byte[] questions = [.. Enumerable.Range(0, 256).SelectMany(_ => Request(BlockStatus, 0, Payload))];
        for (int i = 0; i < Some; i++)
            TrySend(Going(true), questions);
    }

    private void Idle()
    {
        for (int i = 0; i < Many; i++)
            Going(false);
    }

    private Socket Greeted()
    {
        Socket socket = NbdClient.Dial(Socket);
        _sockets.Add(socket);
        Receive(socket, 18);
        TrySend(socket, U32(3));
        return socket;
    }

    private Socket Going(bool withStatus)
    {
        Socket socket = Greeted();
        byte[] name = [.. U32(4), .. "vol0"u8];
        if (withStatus)
        {
            TrySend(socket, [.. Magic, .. U32(OptionStructuredReply), .. U32(0)]);
            byte[] query = [.. name, .. U32(1), .. U32(15), .. "base:allocation"u8];
            TrySend(socket, [.. Magic, .. U32(OptionSetMetaContext), .. U32((uint)query.Length), .. query]);
            Receive(socket, 20 + 20 + 4 + 15 + 20);
        }
        TrySend(socket, [.. Magic, .. U32(OptionGo), .. U32(10), .. name, 0, 0]);
        Receive(socket, 20 + 12 + 20);
        return socket;
    }

    private static byte[] Magic => "IHAVEOPT"u8.ToArray();

    private static byte[] U32(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    private static byte[] Request(ushort type, ulong cookie, int length)
    {
        byte[] request = new byte[28];
        BinaryPrimitives.WriteUInt32BigEndian(request, 0x25609513);
        BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(6), type);
        BinaryPrimitives.WriteUInt64BigEndian(request.AsSpan(8), cookie);
        BinaryPrimitives.WriteInt32BigEndian(request.AsSpan(24), length);
        return request;
    }

    // The server may have had enough; and what it does not take stays with the client.
    private static void TrySend(Socket socket, byte[] bytes)
    {
        socket.Blocking = false;
        for (int sent = 0; sent < bytes.Length;)
        {
            int n = socket.Send(bytes.AsSpan(sent), SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock && socket.Poll(200_000, SelectMode.SelectWrite))
                continue;
            if (error != SocketError.Success)
                break;
            sent += n;
        }
        socket.Blocking = true;
    }

    private static byte[] Receive(Socket socket, int count)
    {
        byte[] bytes = new byte[count];
        for (int at = 0; at < count;)
        {
            int n = socket.Receive(bytes.AsSpan(at));
            Assert.That(n, Is.Positive, "the server closed during the handshake");
            at += n;
        }
        return bytes;
    }

    // Every other block of 4 KiB is a hole.
    private static void WriteHoles(string path)
    {
        using FileStream file = File.Create(path);
        file.SetLength(2L * Payload);
        byte[] block = new byte[4096];
        Array.Fill(block, (byte)1);
        for (long at = 0; at < 2L * Payload; at += 2 * block.Length)
            RandomAccess.Write(file.SafeFileHandle, block, at);
    }

    /// <summary>The most memory that the daemon ever had, in bytes.</summary>
    private long Peak()
    {
        string line = File.ReadLines($"/proc/{_daemon.Id}/status").First(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) << 10;
    }
}
