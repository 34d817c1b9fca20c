using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting;

namespace DmIo.Daemon.Hosting;

/// <summary>
/// Sends events to systemd's journal with their fields, in its native protocol: a datagram of NAME=value lines. A value with
/// line feeds has its length before it instead of the equals sign.
/// </summary>
/// <param name="path">The journal's socket.</param>
/// <param name="text">What people read.</param>
/// <param name="otherwise">Takes what the journal does not take: it is restarting, or the event is too large.</param>
internal sealed class JournalSink(string path, ITextFormatter text, ILogEventSink otherwise) : ILogEventSink, IDisposable
{
    /// <summary>Where the journal listens.</summary>
    public const string JournalPath = "/run/systemd/journal/socket";

    // The journal drops fields with longer names.
    private const int MaxNameLength = 64;

    private readonly UnixDomainSocketEndPoint _journal = new(path);
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified)
    {
        // The journal may lie on a volume: a loop that waited for it would wait for itself.
        Blocking = false,
    };
    private int _lost;

    /// <summary>The level as syslog(3) counts.</summary>
    public static int PriorityOf(LogEventLevel level) => level switch
    {
        LogEventLevel.Fatal => 2,
        LogEventLevel.Error => 3,
        LogEventLevel.Warning => 4,
        LogEventLevel.Information => 6,
        _ => 7,
    };

    public void Emit(LogEvent logEvent)
    {
        var entry = new ArrayBufferWriter<byte>(512);
        using var message = new StringWriter(CultureInfo.InvariantCulture);
        text.Format(logEvent, message);
        Write(entry, "MESSAGE", message.ToString().TrimEnd());
        Write(entry, "PRIORITY", PriorityOf(logEvent.Level).ToString(CultureInfo.InvariantCulture));
        Write(entry, "SYSLOG_IDENTIFIER", "dmio-nbd");
        foreach ((string name, LogEventPropertyValue value) in logEvent.Properties)
            WriteProperty(entry, name, value);
        int lost = Interlocked.Exchange(ref _lost, 0);
        if (lost > 0)
            Write(entry, "LOST", lost.ToString(CultureInfo.InvariantCulture));
        try
        {
            _socket.SendTo(entry.WrittenSpan, SocketFlags.None, _journal);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
        {
            // Standard error leads to the same journal, and would wait.
            Interlocked.Add(ref _lost, lost + 1);
        }
        catch (SocketException)
        {
            Interlocked.Add(ref _lost, lost);
            otherwise.Emit(logEvent);
        }
    }

    public void Dispose() => _socket.Dispose();

    private static void WriteProperty(ArrayBufferWriter<byte> entry, string name, LogEventPropertyValue value)
    {
        switch (name, value)
        {
            case ("EventId", StructureValue id):
                foreach (LogEventProperty part in id.Properties)
                    Write(entry, part.Name == "Id" ? "EVENT_ID" : "EVENT", Text(part.Value));
                break;
            case ("Device", _):
                Write(entry, "VOLUME", Text(value));
                break;
            case (_, ScalarValue { Value: Errno errno }):
                // systemd.journal-fields(7) wants the number; the message has the name.
                Write(entry, "ERRNO", ((int)errno).ToString(CultureInfo.InvariantCulture));
                break;
            case (_, ScalarValue):
                Write(entry, FieldName(name), Text(value));
                break;
            default:
                break;
        }
    }

    private static string Text(LogEventPropertyValue value) =>
        value is ScalarValue { Value: { } scalar } ? Convert.ToString(scalar, CultureInfo.InvariantCulture) ?? "" : "";

    /// <summary>FirstByte as FIRST_BYTE: the journal takes capital letters, digits and underscores, and letters first.</summary>
    private static string FieldName(string name)
    {
        var field = new StringBuilder();
        foreach (char c in name)
        {
            if (char.IsAsciiLetterUpper(c) && field.Length > 0)
                field.Append('_');
            if (char.IsAsciiLetter(c) || (char.IsAsciiDigit(c) && field.Length > 0))
                field.Append(char.ToUpperInvariant(c));
        }
        return field.ToString(0, Math.Min(field.Length, MaxNameLength));
    }

    private static void Write(ArrayBufferWriter<byte> entry, string name, string value)
    {
        if (name.Length == 0)
            return;
        entry.Write(Encoding.ASCII.GetBytes(name));
        byte[] bytes = Encoding.UTF8.GetBytes(value);
        if (bytes.Contains((byte)'\n'))
        {
            entry.Write("\n"u8);
            BinaryPrimitives.WriteUInt64LittleEndian(entry.GetSpan(sizeof(ulong)), (ulong)bytes.Length);
            entry.Advance(sizeof(ulong));
        }
        else
        {
            entry.Write("="u8);
        }
        entry.Write(bytes);
        entry.Write("\n"u8);
    }
}
