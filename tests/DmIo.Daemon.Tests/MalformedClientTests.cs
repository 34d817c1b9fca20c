using System.Net.Sockets;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>Clients that break the rules: whatever one of them does, the next one is served.</summary>
public sealed class MalformedClientTests
{
    private const string Magic = "49 48 41 56 45 4F 50 54";
    private const string Flags = "00 00 00 03";
    private const string Request = "25 60 95 13";

    private static readonly byte[] s_data = [.. Enumerable.Range(0, 4096).Select(i => (byte)i)];

    private Volume _volume = null!;
    private DaemonProcess _daemon = null!;

    [OneTimeSetUp]
    public void Serve()
    {
        _volume = new Volume("16M");
        _daemon = _volume.Serve();
        using NbdClient client = NbdClient.Connect(_volume.Socket);
        Assert.That(client.WriteAt(0, s_data), Is.Zero);
    }

    [OneTimeTearDown]
    public void Stop()
    {
        try
        {
            Assert.That(_daemon.Stop(), Is.Zero, _daemon.Log);
            Assert.That(_daemon.Log, Does.Not.Contain("   at DmIo"), "an exception was logged with its stack");
        }
        finally
        {
            _volume.Dispose();
        }
    }

    /// <summary>Bytes in hex, after the server's greeting.</summary>
    private static IEnumerable<TestCaseData> Handshakes()
    {
        yield return Case("nothing at all", "");
        yield return Case("noise", "FF FE FD FC FB FA F9 F8 F7 F6 F5 F4 F3 F2 F1 F0 00 11 22 33 44 55 66 77");
        yield return Case("an HTTP request", Convert.ToHexString("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8));
        yield return Case("unknown client flags", "FF FF FF FF");
        yield return Case("half of the client flags", "00 00");
        yield return Case("half of an option's header", $"{Flags} {Magic} 00 00");
        yield return Case("a wrong option magic", $"{Flags} 00 00 00 00 00 00 00 00 00 00 00 07 00 00 00 00");
        yield return Case("an option of 4 GiB", $"{Flags} {Magic} 00 00 00 07 FF FF FF FF");
        yield return Case("GO with a name of 4 GiB", $"{Flags} {Magic} 00 00 00 07 00 00 00 06 FF FF FF FF 00 00");
        yield return Case("INFO with a name longer than its data", $"{Flags} {Magic} 00 00 00 06 00 00 00 08 00 00 00 08 61 61 00 00");
        yield return Case("GO for no such export", $"{Flags} {Magic} 00 00 00 07 00 00 00 08 00 00 00 02 7A 7A 00 00");
        yield return Case("EXPORT_NAME of no such export", $"{Flags} {Magic} 00 00 00 01 00 00 00 02 7A 7A");
        yield return Case("a name with control characters", $"{Flags} {Magic} 00 00 00 07 00 00 00 09 00 00 00 03 1B 5B 32 00 00");
        yield return Case("GO with fewer information requests than it says", $"{Flags} {Magic} 00 00 00 07 00 00 00 06 00 00 00 00 FF FF");
        yield return Case("LIST with data", $"{Flags} {Magic} 00 00 00 03 00 00 00 04 DE AD BE EF");
        yield return Case("an unknown option", $"{Flags} {Magic} 7F FF FF FF 00 00 00 00");
        yield return Case("ABORT with data", $"{Flags} {Magic} 00 00 00 02 00 00 00 01 00");
        yield return Case("STARTTLS", $"{Flags} {Magic} 00 00 00 05 00 00 00 00");
    }

    [TestCaseSource(nameof(Handshakes))]
    public void After_a_handshake_of(string hex)
    {
        // Once hanging up at once, once only after the server has answered or closed.
        foreach (bool waits in (bool[])[false, true])
        {
            using Socket socket = NbdClient.Dial(_volume.Socket);
            Send(socket, hex);
            if (waits && hex.Length > 0)
                _ = socket.Receive(new byte[4096]);
        }
        AssertNextIsServed();
    }

    private static IEnumerable<TestCaseData> Requests()
    {
        yield return Case("a wrong magic", "25 60 95 14 00 00 00 00 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 00 00 02 00");
        yield return Case("half of a header", $"{Request} 00 00 00 01");
        yield return Case("an unknown command", $"{Request} 00 00 00 FF 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 00 00 02 00");
        yield return Case("a write without its payload", $"{Request} 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 00 00 10 00");
        yield return Case("half of a payload", $"{Request} 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 00 00 00 04 AA BB");
        yield return Case("a write of 4 GiB", $"{Request} 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 FF FF FF FF");
        yield return Case("a read of 4 GiB", $"{Request} 00 00 00 00 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 FF FF FF FF");
        yield return Case("a read that wraps around", $"{Request} 00 00 00 00 00 00 00 00 00 00 00 01 FF FF FF FF FF FF FF 00 00 00 02 00");
        yield return Case("a trim past the end", $"{Request} 00 00 00 04 00 00 00 00 00 00 00 01 00 00 00 00 00 FF FE 00 00 00 04 00");
        yield return Case("unknown flags", $"{Request} FF FF 00 00 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 00 00 02 00");
        yield return Case("a thousand reads of which none is taken", string.Concat(Enumerable.Repeat(
            $"{Request} 00 00 00 00 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 00 01 00 00", 1000)));
    }

    [TestCaseSource(nameof(Requests))]
    public void After_requests_of(string hex)
    {
        using (Socket socket = NbdClient.Dial(_volume.Socket))
        {
            Send(socket, $"{Flags} {Magic} 00 00 00 01 00 00 00 04 76 6F 6C 30");
            Send(socket, hex);
            // Reset where the system can: unread bytes are thrown away, no orderly end is sent.
            socket.LingerState = new LingerOption(true, 0);
        }
        AssertNextIsServed();
    }

    [Test]
    public void While_a_client_never_reads_its_replies_others_are_served()
    {
        using Socket socket = NbdClient.Dial(_volume.Socket);
        Send(socket, $"{Flags} {Magic} 00 00 00 01 00 00 00 04 76 6F 6C 30");
        // 1 MiB each: far more than socket buffers hold.
        Send(socket, string.Concat(Enumerable.Repeat(
            $"{Request} 00 00 00 00 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 00 10 00 00", 200)));
        AssertNextIsServed();
    }

    [Test]
    public void While_a_client_sends_byte_by_byte_others_are_served_and_it_is_too()
    {
        using Socket socket = NbdClient.Dial(_volume.Socket);
        foreach (byte b in Bytes($"{Flags} {Magic} 00 00 00 01 00 00 00 04 76 6F 6C 30"))
            socket.Send([b]);
        AssertNextIsServed();
        byte[] reply = new byte[28];
        int received = 0;
        while (received < reply.Length)
            received += socket.Receive(reply.AsSpan(received));
        Assert.That(reply[26..], Is.Not.EqualTo(new byte[2]), "the export's flags");
    }

    [Test]
    public void While_half_open_clients_come_and_go_others_are_served()
    {
        var open = new List<Socket>();
        for (int i = 0; i < 100; i++)
            open.Add(NbdClient.Dial(_volume.Socket));
        AssertNextIsServed();
        open.ForEach(s => s.Dispose());
        AssertNextIsServed();
    }

    private void AssertNextIsServed()
    {
        using NbdClient client = NbdClient.Connect(_volume.Socket);
        Assert.That(client.ReadAt(0, s_data.Length, out byte[] back), Is.Zero);
        Assert.That(back, Is.EqualTo(s_data));
        Assert.That(client.WriteAt(8192, s_data, NbdClient.Fua), Is.Zero);
        Assert.That(_daemon.HasExited, Is.False, _daemon.Log);
    }

    private static TestCaseData Case(string name, string hex) => new TestCaseData(hex).SetArgDisplayNames(name);

    private static void Send(Socket socket, string hex)
    {
        try
        {
            byte[] bytes = Bytes(hex);
            for (int sent = 0; sent < bytes.Length;)
                sent += socket.Send(bytes.AsSpan(sent));
        }
        catch (SocketException)
        {
            // The server may have had enough already.
        }
    }

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
}
