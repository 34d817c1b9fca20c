using System.Buffers.Binary;
using System.Net.Sockets;

namespace DmIo.Daemon.Tests;

/// <summary>
/// A client that sends what it is told to, legal or not, and writes down what it is answered, in words that are the same for
/// all servers: option reply types, error names, "closed", "silence".
/// </summary>
internal sealed partial class RawClient : IDisposable
{
    private const int MostReplyBytes = 1 << 20;

    private readonly Socket _socket;
    private readonly byte[] _model;
    private ulong _cookie = 0xfedc_ba98_7654_3210;

    /// <summary>Connects.</summary>
    /// <param name="path">The server's socket.</param>
    /// <param name="model">What the export is known to hold; changes that succeed are made there as well.</param>
    /// <param name="patienceMs">A server that says nothing in the handshake for so long says nothing.</param>
    public RawClient(string path, byte[] model, int patienceMs)
        : this(NbdClient.Dial(path), model) =>
        _socket.ReceiveTimeout = patienceMs;

    /// <summary>Takes a connection over.</summary>
    public RawClient(Socket socket, byte[] model)
    {
        _model = model;
        _socket = socket;
    }

    /// <summary>What was answered, in order.</summary>
    public List<string> Heard { get; } = [];

    public bool IsStructured { get; private set; }

    public void Hear(string what) => Heard.Add(what);

    /// <summary>Sends. A server that does not take it has closed, or will be heard to.</summary>
    public void Send(params ReadOnlySpan<byte> bytes)
    {
        try
        {
            while (bytes.Length > 0)
                bytes = bytes[_socket.Send(bytes)..];
        }
        catch (SocketException)
        {
        }
    }

    public byte[] Receive(int length)
    {
        byte[] bytes = new byte[length];
        for (int done = 0; done < length;)
        {
            try
            {
                int n = _socket.Receive(bytes.AsSpan(done));
                done += n > 0 ? n : throw WireEndException.Closed;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
            {
                throw WireEndException.Silent;
            }
            catch (SocketException)
            {
                throw WireEndException.Closed;
            }
        }
        return bytes;
    }

    /// <summary>The server is to close; that it does is written down by who catches the exception.</summary>
    public void HearTheEnd() => Hear($"and more: {Receive(1)[0]:x2}");

    /// <summary>Takes the greeting and answers it.</summary>
    /// <returns>The server's handshake flags.</returns>
    public int Greet(uint flags = 3)
    {
        byte[] greeting = Receive(18);
        if (BinaryPrimitives.ReadUInt64BigEndian(greeting) != Wire.ServerMagic
            || BinaryPrimitives.ReadUInt64BigEndian(greeting.AsSpan(8)) != Wire.OptionMagic)
            throw WireEndException.Garbage("greeting");
        Send(Wire.U32(flags));
        return BinaryPrimitives.ReadUInt16BigEndian(greeting.AsSpan(16));
    }

    public void SendOption(uint option, params ReadOnlySpan<byte> data) =>
        Send([.. Wire.U64(Wire.OptionMagic), .. Wire.U32(option), .. Wire.U32((uint)data.Length), .. data]);

    /// <summary>Asks an option and writes down what is answered.</summary>
    public string Ask(uint option, params ReadOnlySpan<byte> data)
    {
        SendOption(option, data);
        return HearAnswer(option);
    }

    /// <summary>Writes down what an option that was sent is answered.</summary>
    public string HearAnswer(uint option)
    {
        string answer = HearOption(option);
        Hear(answer);
        return answer;
    }

    /// <summary>Asks a thing whose answer is not what a probe is about.</summary>
    /// <returns>Whether it was acknowledged.</returns>
    public bool IsGranted(uint option, params ReadOnlySpan<byte> data)
    {
        SendOption(option, data);
        return HearOption(option).EndsWith("ACK", StringComparison.Ordinal);
    }

    /// <summary>Writes down if the next option is not answered as it must be.</summary>
    public void CheckOptionsGoOn()
    {
        SendOption(Wire.NoSuchOption, 1, 2, 3);
        if (HearOption(Wire.NoSuchOption) is not "UNSUP" and var answer)
            Hear($"next: {answer}");
    }

    /// <summary>Asks for structured replies; false if there are none.</summary>
    public bool AgreeOnStructured() => IsStructured = IsGranted(Wire.StructuredReply);

    public void Dispose() => _socket.Dispose();

    private string HearOption(uint option)
    {
        var parts = new List<string>();
        while (true)
        {
            byte[] header = Receive(20);
            if (BinaryPrimitives.ReadUInt64BigEndian(header) != Wire.OptionReplyMagic)
                throw WireEndException.Garbage("option reply magic");
            if (BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(8)) != option)
                throw WireEndException.Garbage("another option's reply");
            uint type = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(12));
            uint length = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(16));
            if (length > MostReplyBytes)
                throw WireEndException.Garbage("option reply length");
            byte[] data = Receive((int)length);
            if (type is not (2 or 3 or 4))
                return string.Join(' ', parts.Order(StringComparer.Ordinal).Append(type == 1 ? "ACK" : Wire.OptionError(type)));
            parts.Add(OptionReply.Describe(type, data));
        }
    }
}
