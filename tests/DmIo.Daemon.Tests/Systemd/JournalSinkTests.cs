using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using DmIo.Daemon.Hosting;
using Microsoft.Extensions.Logging;
using NUnit.Framework;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Extensions.Logging;
using Serilog.Formatting.Display;

namespace DmIo.Daemon.Tests.Systemd;

/// <summary>What the journal is sent.</summary>
public sealed partial class JournalSinkTests
{
    [LoggerMessage(2002, LogLevel.Error, "{Device}: leg {Leg} {Path} failed at sector {FirstSector}: {Errno}")]
    private static partial void LegLeft(Microsoft.Extensions.Logging.ILogger log, string device, int leg, string path, Sectors firstSector, Errno errno);

    [LoggerMessage(1, LogLevel.Warning, "{Finding}")]
    private static partial void Finding(Microsoft.Extensions.Logging.ILogger log, string finding);

    // Goal: whoever filters the journal finds volume, leg, sector, errno and kind of event in fields of their own.
    [Test]
    public void An_event_has_a_priority_and_its_fields()
    {
        using var scratch = new Scratch();
        using Socket journal = Listen(scratch["journal"]);
        using Logger log = LogTo(scratch["journal"], new Collected());
        LegLeft(ForLibraries(log), "vol0", 1, "/dev/sdb", new Sectors(2048), Errno.EIO);
        Dictionary<string, string> entry = Receive(journal);
        Assert.Multiple(() =>
        {
            Assert.That(entry["MESSAGE"], Is.EqualTo("vol0: leg 1 /dev/sdb failed at sector 2048: EIO"));
            Assert.That(entry["PRIORITY"], Is.EqualTo("3"));
            Assert.That(entry["SYSLOG_IDENTIFIER"], Is.EqualTo("dmio-nbd"));
            Assert.That(entry["VOLUME"], Is.EqualTo("vol0"));
            Assert.That(entry["LEG"], Is.EqualTo("1"));
            Assert.That(entry["PATH"], Is.EqualTo("/dev/sdb"));
            Assert.That(entry["FIRST_SECTOR"], Is.EqualTo("2048"));
            Assert.That(entry["ERRNO"], Is.EqualTo("5"));
            Assert.That(entry["EVENT"], Is.EqualTo("LegLeft"));
            Assert.That(entry["EVENT_ID"], Is.EqualTo("2002"));
        });
    }

    // Goal: a name with a line feed, which a client may choose, forges no field.
    [Test]
    public void A_line_feed_stays_within_its_field()
    {
        using var scratch = new Scratch();
        using Socket journal = Listen(scratch["journal"]);
        using Logger log = LogTo(scratch["journal"], new Collected());
        Finding(ForLibraries(log), "a\nPRIORITY=0\nb");
        Dictionary<string, string> entry = Receive(journal);
        Assert.That(entry["FINDING"], Is.EqualTo("a\nPRIORITY=0\nb"));
        Assert.That(entry["MESSAGE"], Is.EqualTo("a\nPRIORITY=0\nb"));
        Assert.That(entry["PRIORITY"], Is.EqualTo("4"));
    }

    // Goal: what the journal does not take is not lost: it restarts, or the event is larger than a datagram.
    [Test]
    public void What_the_journal_does_not_take_goes_to_standard_error()
    {
        using var scratch = new Scratch();
        var collected = new Collected();
        using Logger log = LogTo(scratch["journal"], collected);
        Finding(ForLibraries(log), "nobody listens");
        using Socket journal = Listen(scratch["journal"]);
        Finding(ForLibraries(log), new string('x', 4 << 20));
        Finding(ForLibraries(log), "somebody does");
        Assert.That(Receive(journal)["MESSAGE"], Is.EqualTo("somebody does"));
        Assert.That(collected.Events, Has.Count.EqualTo(2));
    }

    // Goal: a journal that does not read, perhaps because it waits for a volume, stops no loop; how much it missed is told.
    [Test]
    public void A_journal_that_does_not_read_is_not_waited_for()
    {
        using var scratch = new Scratch();
        using Socket journal = Listen(scratch["journal"]);
        var collected = new Collected();
        using Logger log = LogTo(scratch["journal"], collected);
        // Many times what the kernel queues for a socket.
        const int sent = 5000;
        for (int i = 0; i < sent; i++)
            Finding(ForLibraries(log), $"event {i}");
        int received = 0;
        for (; journal.Available > 0; received++)
            Receive(journal);
        Assert.That(received, Is.InRange(1, sent - 1));
        // Who tells of it may not get through.
        Finding(ForLibraries(log), new string('x', 4 << 20));
        Finding(ForLibraries(log), "goes on");
        Assert.That(Receive(journal)["LOST"], Is.EqualTo($"{sent - received}"));
        Assert.That(collected.Events, Has.Count.EqualTo(1));
    }

    private static Socket Listen(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 30_000 };
        socket.Bind(new UnixDomainSocketEndPoint(path));
        return socket;
    }

    private static Logger LogTo(string path, ILogEventSink otherwise) => new LoggerConfiguration()
        .WriteTo.Sink(new JournalSink(path, new MessageTemplateTextFormatter("{Message:l}{NewLine}{Exception}"), otherwise))
        .CreateLogger();

    private static Microsoft.Extensions.Logging.ILogger ForLibraries(Logger log) =>
        new SerilogLoggerFactory(log).CreateLogger("DmIo.Tests");

    // The protocol as https://systemd.io/JOURNAL_NATIVE_PROTOCOL has it.
    private static Dictionary<string, string> Receive(Socket journal)
    {
        byte[] buffer = new byte[1 << 16];
        ReadOnlySpan<byte> rest = buffer.AsSpan(0, journal.Receive(buffer));
        var fields = new Dictionary<string, string>();
        while (!rest.IsEmpty)
        {
            int end = rest.IndexOf((byte)'\n');
            int equals = rest[..end].IndexOf((byte)'=');
            if (equals >= 0)
            {
                fields.Add(Encoding.UTF8.GetString(rest[..equals]), Encoding.UTF8.GetString(rest[(equals + 1)..end]));
                rest = rest[(end + 1)..];
                continue;
            }
            string name = Encoding.UTF8.GetString(rest[..end]);
            int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(rest[(end + 1)..]);
            rest = rest[(end + 1 + sizeof(ulong))..];
            fields.Add(name, Encoding.UTF8.GetString(rest[..length]));
            Assert.That(rest[length], Is.EqualTo((byte)'\n'));
            rest = rest[(length + 1)..];
        }
        return fields;
    }

    private sealed class Collected : ILogEventSink
    {
        public List<LogEvent> Events { get; } = [];

        public void Emit(LogEvent logEvent) => Events.Add(logEvent);
    }
}
