using System.Text;
using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>
/// Takes apart what a server answers and holds it against what was sent: every reply is well-formed, belongs to
/// something that was asked, and says what may be said.
/// </summary>
internal sealed partial class FuzzReceived(FuzzSent sent, IReadOnlyList<FuzzExport> exports, ISet<uint> features)
{
    private readonly List<string> _servers = [];
    private readonly Dictionary<string, uint> _contexts = [];
    private byte[] _buffer = new byte[4096];
    private int _at;
    private int _end;
    private bool _isGreeted;
    private bool _isServed;
    private uint _infos;

    /// <summary>
    /// Whether replies can no longer be told from each other: cookies of requests of different kinds were the same.
    /// </summary>
    public bool IsBlind { get; private set; }

    /// <summary>Whether the client has closed its sending side: changes may then be refused with ESHUTDOWN.</summary>
    public bool HasFinishedSending { get; set; }

    /// <summary>Whether a reply has begun that is not whole yet.</summary>
    public bool IsInTheMiddle => _end > _at;

    /// <summary>Whether something of what was sent is not answered yet.</summary>
    public bool Owes => !IsBlind && (!_isGreeted || sent.Options.Count > 0 || sent.Requests.Count > 0);

    public void Add(ReadOnlySpan<byte> bytes)
    {
        if (IsBlind)
            return;
        if (_buffer.Length - _end < bytes.Length)
        {
            byte[] larger = _buffer.Length - (_end - _at) < bytes.Length
                ? new byte[Math.Max(2 * _buffer.Length, _end - _at + bytes.Length)]
                : _buffer;
            _buffer.AsSpan(_at, _end - _at).CopyTo(larger);
            (_buffer, _at, _end) = (larger, 0, _end - _at);
        }
        bytes.CopyTo(_buffer.AsSpan(_end));
        _end += bytes.Length;
        while (!IsBlind && _end > _at && Take(_buffer.AsSpan(_at, _end - _at)) is var taken && taken > 0)
            _at += taken;
        if (_at == _end)
            _at = _end = 0;
    }

    /// <summary>Something that happened, for who looks for new things.</summary>
    private void Note(params ReadOnlySpan<uint> what)
    {
        uint hash = 2166136261;
        foreach (uint word in what)
            hash = (hash ^ word) * 16777619;
        features.Add(hash);
    }

    // How many bytes were understood; 0: more are needed.
    private int Take(ReadOnlySpan<byte> bytes)
    {
        if (!_isGreeted)
            return bytes.Length < GreetingBytes ? 0 : TakeGreeting(bytes);
        if (_isServed)
            return TakeReply(bytes);
        if (!sent.Options.TryPeek(out FuzzOption? option))
            throw new FuzzFailureException($"{bytes.Length} bytes came during the handshake that nothing had asked for");
        if (option.RawBytes > 0)
            return bytes.Length < option.RawBytes ? 0 : TakeExportName(bytes[..option.RawBytes], option);
        if (bytes.Length < OptionReplyHeaderBytes)
            return 0;
        var reader = new WireReader(bytes);
        Expect(reader.ReadUInt64() == NBD_REP_MAGIC, "option reply without its magic");
        uint echo = reader.ReadUInt32();
        Expect(echo == option.Option, $"option reply names option {echo}, {option.Option} was asked");
        uint type = reader.ReadUInt32();
        uint length = reader.ReadUInt32();
        Expect(length <= 1 << 16, $"option reply of {length} bytes");
        if (reader.Remaining < length)
            return 0;
        TakeOptionReply(option, type, reader.ReadBytes((int)length));
        return OptionReplyHeaderBytes + (int)length;
    }

    private int TakeGreeting(ReadOnlySpan<byte> bytes)
    {
        var reader = new WireReader(bytes);
        Expect(
            reader.ReadUInt64() == NBDMAGIC && reader.ReadUInt64() == IHAVEOPT && reader.ReadUInt16() == 3,
            "greeting as it must not be");
        _isGreeted = true;
        return GreetingBytes;
    }

    private int TakeExportName(ReadOnlySpan<byte> bytes, FuzzOption option)
    {
        var reader = new WireReader(bytes);
        CheckExport(ref reader, option);
        Expect(!reader.ReadBytes(reader.Remaining).ContainsAnyExcept((byte)0), "EXPORT_NAME's padding is not zero");
        Note(1, option.Option, (uint)option.RawBytes);
        Finish(option);
        return option.RawBytes;
    }

    private void TakeOptionReply(FuzzOption option, uint type, ReadOnlySpan<byte> data)
    {
        var reader = new WireReader(data);
        switch (type)
        {
            case NBD_REP_SERVER when option is { Option: NBD_OPT_LIST, Final: NBD_REP_ACK }:
                uint length = reader.ReadUInt32();
                Expect(length <= (uint)reader.Remaining, "SERVER whose name is longer than the reply");
                _servers.Add(Encoding.UTF8.GetString(reader.ReadBytes((int)length)));
                string description = Encoding.UTF8.GetString(reader.ReadBytes(reader.Remaining));
                Expect(exports.Any(e => e.Name == _servers[^1] && e.Description == description), "SERVER with wrong texts");
                return;
            case NBD_REP_INFO when option.Export is not null && option.Final == NBD_REP_ACK:
                CheckInfo(ref reader, option);
                return;
            case NBD_REP_META_CONTEXT when option.Final == NBD_REP_ACK:
                uint id = reader.ReadUInt32();
                Expect(option.Selected is null == (id == 0), $"META_CONTEXT with id {id}");
                string name = Encoding.UTF8.GetString(reader.ReadBytes(reader.Remaining));
                Expect(option.Contexts.Contains(name) && _contexts.TryAdd(name, id), $"META_CONTEXT {name}");
                return;
            default:
                CheckFinal(option, type, data);
                return;
        }
    }

    private void CheckFinal(FuzzOption option, uint type, ReadOnlySpan<byte> data)
    {
        bool refusesTls = option.Option == NBD_OPT_STARTTLS && type is NBD_REP_ERR_POLICY or NBD_REP_ERR_INVALID;
        Expect(type == option.Final || refusesTls, $"option {option.Option} was answered {type:x}, not {option.Final:x}");
        if (type == NBD_REP_ACK)
        {
            Expect(data.IsEmpty, "ACK with data");
            if (option.Option == NBD_OPT_LIST)
                Expect(_servers.Order().SequenceEqual(exports.Select(e => e.Name).Order()), "LIST does not list what there is");
            if (option.Export is { } export)
            {
                uint due = 1 | (option.Wanted & ~(export.Description.Length > 0 ? 0u : 1u << NBD_INFO_DESCRIPTION));
                Expect((due & ~_infos) == 0, "INFO or GO without what was asked for");
            }
            Expect(_contexts.Count == option.Contexts.Count, "a context that was asked for is missing");
            Expect(option.Selected is null || _contexts.Values.Distinct().Count() == _contexts.Count, "an id used twice");
            foreach ((string name, uint id) in _contexts)
            {
                if (option.Selected is { } selected)
                    selected[name] = id;
            }
        }
        else
        {
            Expect(data.Length <= MaxStringBytes && System.Text.Unicode.Utf8.IsValid(data), "an error's text is none");
        }
        Note(2, Math.Min(option.Option, NBD_OPT_EXTENDED_HEADERS + 1), type, (uint)sent.Form, (uint)_contexts.Count, _infos);
        Finish(option);
    }

    private void Finish(FuzzOption option)
    {
        _ = sent.Options.Dequeue();
        _isServed = option.IsLast && option.Final == NBD_REP_ACK;
        _servers.Clear();
        _contexts.Clear();
        _infos = 0;
    }

    private void CheckInfo(ref WireReader reader, FuzzOption option)
    {
        FuzzExport export = option.Export!;
        ushort type = reader.ReadUInt16();
        Expect(type < 4 && (_infos >> type & 1) == 0, $"information type {type} twice, or unknown");
        _infos |= 1u << type;
        switch (type)
        {
            case NBD_INFO_EXPORT:
                CheckExport(ref reader, option);
                break;
            case NBD_INFO_NAME:
                Expect(Encoding.UTF8.GetString(reader.ReadBytes(reader.Remaining)) == export.Name, "wrong NAME");
                break;
            case NBD_INFO_DESCRIPTION:
                Expect(Encoding.UTF8.GetString(reader.ReadBytes(reader.Remaining)) == export.Description, "wrong DESCRIPTION");
                break;
            default:
                (uint min, uint preferred, uint max) = (reader.ReadUInt32(), reader.ReadUInt32(), reader.ReadUInt32());
                Expect(
                    uint.IsPow2(min) && min <= 65536 && uint.IsPow2(preferred) && preferred >= Math.Max(min, 512)
                    && max >= preferred && max >= 1 << 20 && export.SizeBytes % min == 0,
                    $"block sizes {min}, {preferred}, {max}");
                break;
        }
        Expect(reader.Remaining == 0, "INFO that is too long");
    }

    private static void CheckExport(ref WireReader reader, FuzzOption option)
    {
        ulong size = reader.ReadUInt64();
        ushort flags = reader.ReadUInt16();
        Expect(size == (ulong)option.Export!.SizeBytes, $"{option.Export.Name} has {size} bytes");
        Expect(flags == option.Flags, $"{option.Export.Name} has flags {flags:x}, not {option.Flags:x}");
    }

    private static void Expect(bool isSo, string otherwise)
    {
        if (!isSo)
            throw new FuzzFailureException(otherwise);
    }
}
