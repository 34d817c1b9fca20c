using DmIo.Nbd.Wire;
using static System.Buffers.Binary.BinaryPrimitives;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>
/// Understands what was sent on a connection as a server has to, whatever it is, and keeps what must be answered.
/// </summary>
internal sealed class FuzzSent(IReadOnlyList<FuzzExport> exports, NbdLimits limits)
{
    private readonly FuzzTerms _terms = new(exports);
    private byte[] _unread = [];
    private Stage _stage = Stage.Flags;
    private int _options;
    private uint _option;
    private int _dataBytes;
    private RequestHeader _header;
    private ulong _payloadLeft;
    private List<byte>? _payload;
    private FuzzExport? _export;

    private enum Stage
    {
        Flags,
        Option,
        Data,
        Request,
        Payload,
    }

    public FuzzOutlook Outlook { get; private set; }

    /// <summary>Why it closes.</summary>
    public string Reason { get; private set; } = "";

    /// <summary>Whether more was sent than the server looks at: its closing may then throw replies away.</summary>
    public bool HasExcess { get; private set; }

    /// <summary>Options that have not been answered.</summary>
    public Queue<FuzzOption> Options { get; } = new();

    /// <summary>Requests that have not been answered.</summary>
    public List<FuzzRequest> Requests { get; } = [];

    /// <summary>Whether the beginning of something was sent whose end was not.</summary>
    public bool IsUnfinished => _unread.Length > 0 || _stage == Stage.Payload;

    public ReplyForm Form => _terms.Form;

    /// <summary>What was chosen.</summary>
    public FuzzExport? Export => _export;

    public Dictionary<string, uint> Contexts => _terms.ContextsOf(_export!);

    /// <summary>Takes note of bytes that are sent now.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        if (Outlook != FuzzOutlook.Open)
        {
            HasExcess |= bytes.Length > 0;
            return;
        }
        _unread = [.. _unread, .. bytes];
        int at = 0;
        while (Outlook == FuzzOutlook.Open && Take(_unread.AsSpan(at)) is var taken && taken >= 0)
            at += taken;
        _unread = _unread[at..];
        HasExcess = Outlook != FuzzOutlook.Open && _unread.Length > 0;
    }

    // How many bytes were understood; -1: more are needed.
    private int Take(ReadOnlySpan<byte> bytes)
    {
        switch (_stage)
        {
            case Stage.Flags:
                return bytes.Length < 4 ? -1 : TakeFlags(bytes);
            case Stage.Option:
                return bytes.Length < OptionHeaderBytes ? -1 : TakeOption(bytes);
            case Stage.Data:
                return bytes.Length < _dataBytes ? -1 : TakeData(bytes[.._dataBytes].ToArray());
            case Stage.Request:
                int header = Form == ReplyForm.Extended ? ExtendedRequestHeaderBytes : RequestHeaderBytes;
                return bytes.Length < header ? -1 : TakeRequest(bytes[..header]);
            default:
                return TakePayload(bytes);
        }
    }

    private int TakeFlags(ReadOnlySpan<byte> bytes)
    {
        uint flags = new WireReader(bytes).ReadUInt32();
        if (flags > 3)
            Close("unknown client flags");
        _terms.HasNoZeroes = (flags & 2) != 0;
        _stage = Stage.Option;
        return 4;
    }

    private int TakeOption(ReadOnlySpan<byte> bytes)
    {
        var reader = new WireReader(bytes);
        _options++;
        if (reader.ReadUInt64() != IHAVEOPT)
            Close("wrong option magic");
        _option = reader.ReadUInt32();
        uint length = reader.ReadUInt32();
        if (length > (uint)limits.MaxOptionBytes)
            Close("option data too long");
        else
            _dataBytes = (int)length;
        _stage = Stage.Data;
        return OptionHeaderBytes;
    }

    private int TakeData(byte[] data)
    {
        _stage = Stage.Option;
        if (_terms.Answer(_option, data) is not { } answer)
        {
            Close("an export name that cannot be had");
            return data.Length;
        }
        Options.Enqueue(answer);
        if (_option == NBD_OPT_ABORT)
            Close("ABORT", FuzzOutlook.ClosesInOrder);
        if (answer.IsLast)
        {
            _export = answer.Export;
            _stage = Stage.Request;
        }
        else if (_options == limits.MaxOptions)
        {
            Close("too many options");
        }
        return data.Length;
    }

    private int TakeRequest(ReadOnlySpan<byte> bytes)
    {
        // Not read by the server's own code, which may be what is wrong.
        bool isExtended = Form == ReplyForm.Extended;
        _header = new RequestHeader(
            ReadUInt32BigEndian(bytes), ReadUInt16BigEndian(bytes[4..]), ReadUInt16BigEndian(bytes[6..]),
            ReadUInt64BigEndian(bytes[8..]), ReadUInt64BigEndian(bytes[16..]),
            isExtended ? ReadUInt64BigEndian(bytes[24..]) : ReadUInt32BigEndian(bytes[24..]));
        bool hasPayload = isExtended ? (_header.Flags & NBD_CMD_FLAG_PAYLOAD_LEN) != 0 : _header.Type == NBD_CMD_WRITE;
        if (_header.Magic != (isExtended ? NBD_EXTENDED_REQUEST_MAGIC : NBD_REQUEST_MAGIC))
        {
            Close("wrong request magic");
            return bytes.Length;
        }
        if (isExtended && hasPayload && _header.Length > (uint)limits.MaxPayloadBytes)
        {
            Close("payload too long");
            return bytes.Length;
        }
        if (_header.Type == NBD_CMD_DISC)
        {
            Close("DISC", FuzzOutlook.ClosesInOrder);
            return bytes.Length;
        }
        _payloadLeft = hasPayload ? _header.Length : 0;
        // What is longer than any export here is refused, and need not be kept.
        _payload = _payloadLeft <= (1 << 20) ? [] : null;
        _stage = Stage.Payload;
        if (_payloadLeft == 0)
            EndPayload();
        return bytes.Length;
    }

    private int TakePayload(ReadOnlySpan<byte> bytes)
    {
        int taken = (int)Math.Min((ulong)bytes.Length, _payloadLeft);
        if (taken == 0)
            return -1;
        _payloadLeft -= (ulong)taken;
        _payload?.AddRange(bytes[..taken]);
        if (_payloadLeft == 0)
            EndPayload();
        return taken;
    }

    private void EndPayload()
    {
        _stage = Stage.Request;
        FuzzExport export = _export!;
        (HashSet<uint> errors, bool maySucceed) = FuzzRules.Of(
            _header, Form, export, Contexts.Count > 0, limits.MaxPayloadBytes);
        byte[] payload = _payload?.ToArray() ?? [];
        Requests.Add(new FuzzRequest
        {
            Header = _header,
            Payload = payload,
            Errors = errors,
            MaySucceed = maySucceed,
            Change = maySucceed ? ChangeOf(export, payload) : null,
            SentAt = export.Content?.Tick() ?? 0,
            Rest = maySucceed
                ? FuzzRanges.Of((long)_header.Offset, (long)(_header.Offset + _header.Length))
                : FuzzRanges.Of(0, 0),
        });
    }

    private FuzzChange? ChangeOf(FuzzExport export, byte[] payload)
    {
        if (export.Content is not { } content
            || _header.Type is not (NBD_CMD_WRITE or NBD_CMD_TRIM or NBD_CMD_WRITE_ZEROES) || _header.Length == 0)
        {
            return null;
        }
        long from = (long)_header.Offset;
        long to = from + (long)_header.Length;
        if (_header.Type == NBD_CMD_TRIM)
        {
            // Inwards to whole blocks; outside of them nothing changes.
            from = (from + export.BlockBytes - 1) / export.BlockBytes * export.BlockBytes;
            to = Math.Max(from, to / export.BlockBytes * export.BlockBytes);
            return content.Sent(this, from, to, null, isWrite: false);
        }
        return _header.Type == NBD_CMD_WRITE
            ? content.Sent(this, from, to, payload, isWrite: true)
            : content.Sent(this, from, to, new byte[to - from], isWrite: false);
    }

    private void Close(string reason, FuzzOutlook outlook = FuzzOutlook.Closes)
    {
        if (Outlook == FuzzOutlook.Open)
            (Outlook, Reason) = (outlook, reason);
    }
}
