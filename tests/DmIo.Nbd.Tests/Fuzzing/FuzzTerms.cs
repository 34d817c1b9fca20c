using System.Text;
using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>
/// What was negotiated on a connection by the options that were sent, and what each of them must be answered; from the
/// specification.
/// </summary>
internal sealed class FuzzTerms(IReadOnlyList<FuzzExport> exports)
{
    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);

    private FuzzExport? _contextsOf;
    private Dictionary<string, uint> _selected = [];

    public ReplyForm Form { get; private set; }

    public bool HasNoZeroes { get; set; }

    /// <summary>The contexts of what was chosen, with the ids that the server gave, as soon as it has told them.</summary>
    public Dictionary<string, uint> ContextsOf(FuzzExport export) => _contextsOf == export ? _selected : [];

    /// <summary>What an option must be answered; null: the server drops the client.</summary>
    public FuzzOption? Answer(uint option, byte[] data) => option switch
    {
        NBD_OPT_EXPORT_NAME => AnswerName(data),
        NBD_OPT_ABORT => new FuzzOption(option, NBD_REP_ACK),
        NBD_OPT_LIST => new FuzzOption(option, data.Length == 0 ? NBD_REP_ACK : NBD_REP_ERR_INVALID),
        NBD_OPT_STARTTLS => new FuzzOption(option, NBD_REP_ERR_UNSUP),
        NBD_OPT_INFO or NBD_OPT_GO => AnswerInfo(option, data),
        NBD_OPT_STRUCTURED_REPLY or NBD_OPT_EXTENDED_HEADERS => AnswerForm(option, data),
        NBD_OPT_LIST_META_CONTEXT or NBD_OPT_SET_META_CONTEXT => AnswerContexts(option, data),
        _ => new FuzzOption(option, NBD_REP_ERR_UNSUP),
    };

    private FuzzOption? AnswerName(byte[] data)
    {
        if (data.Length > MaxStringBytes || Form == ReplyForm.Extended || Find(data) is not { } export)
            return null;
        return Described(NBD_OPT_EXPORT_NAME, export) with { RawBytes = HasNoZeroes ? 10 : 134, IsLast = true };
    }

    private FuzzOption AnswerInfo(uint option, byte[] data)
    {
        if (!TryTakeString(data, 0, out int at) || at + 2 > data.Length)
            return new FuzzOption(option, NBD_REP_ERR_INVALID);
        int count = data[at] << 8 | data[at + 1];
        if (data.Length != at + 2 + 2 * count)
            return new FuzzOption(option, NBD_REP_ERR_INVALID);
        if (Find(data.AsSpan(4, at - 4)) is not { } export)
            return new FuzzOption(option, NBD_REP_ERR_UNKNOWN);
        uint wanted = 0;
        for (int i = at + 2; i < data.Length; i += 2)
        {
            if (data[i] == 0 && data[i + 1] < 4)
                wanted |= 1u << data[i + 1];
        }
        return Described(option, export) with { Wanted = wanted, IsLast = option == NBD_OPT_GO };
    }

    private FuzzOption Described(uint option, FuzzExport export) => new(option, NBD_REP_ACK)
    {
        Export = export,
        Flags = FuzzRules.TransmissionFlags(export, Form, _contextsOf == export && _selected.Count > 0),
    };

    private FuzzOption AnswerForm(uint option, byte[] data)
    {
        if (data.Length > 0)
            return new FuzzOption(option, NBD_REP_ERR_INVALID);
        if (option == NBD_OPT_STRUCTURED_REPLY && Form == ReplyForm.Extended)
            return new FuzzOption(option, NBD_REP_ERR_EXT_HEADER_REQD);
        Form = option == NBD_OPT_STRUCTURED_REPLY ? ReplyForm.Structured : ReplyForm.Extended;
        return new FuzzOption(option, NBD_REP_ACK);
    }

    private FuzzOption AnswerContexts(uint option, byte[] data)
    {
        bool isList = option == NBD_OPT_LIST_META_CONTEXT;
        if (!isList)
            (_contextsOf, _selected) = (null, []);
        if (Form == ReplyForm.Simple || !TryTakeQueries(data, out int nameEnd, out List<string> queries))
            return new FuzzOption(option, NBD_REP_ERR_INVALID);
        if (Find(data.AsSpan(4, nameEnd - 4)) is not { } export)
            return new FuzzOption(option, NBD_REP_ERR_UNKNOWN);
        string[] offered = export.HasLegs
            ? ["base:allocation", "x-dmio:failed-legs", "x-dmio:out-of-sync"]
            : ["base:allocation"];
        string[] meant = [.. offered.Where(c => queries.Contains(c)
            || (isList && (queries.Count == 0 || queries.Contains(c[..(c.IndexOf(':', StringComparison.Ordinal) + 1)]))))];
        if (isList)
            return new FuzzOption(option, NBD_REP_ACK) { Contexts = meant };
        (_contextsOf, _selected) = (export, meant.ToDictionary(c => c, _ => 0u));
        return new FuzzOption(option, NBD_REP_ACK) { Contexts = meant, Selected = _selected };
    }

    private FuzzExport? Find(ReadOnlySpan<byte> name)
    {
        foreach (FuzzExport export in exports)
        {
            if (name.SequenceEqual(Encoding.UTF8.GetBytes(export.Name)))
                return export;
        }
        return name.IsEmpty ? exports[0] : null;
    }

    private static bool TryTakeQueries(byte[] data, out int nameEnd, out List<string> queries)
    {
        queries = [];
        if (!TryTakeString(data, 0, out nameEnd) || nameEnd + 4 > data.Length)
            return false;
        uint count = new WireReader(data.AsSpan(nameEnd)).ReadUInt32();
        int at = nameEnd + 4;
        for (uint i = 0; i < count; i++)
        {
            int start = at;
            if (!TryTakeString(data, start, out at))
                return false;
            queries.Add(Encoding.UTF8.GetString(data.AsSpan(start + 4, at - start - 4)));
        }
        return at == data.Length;
    }

    // A length and as many bytes of UTF-8 without NUL.
    private static bool TryTakeString(byte[] data, int at, out int end)
    {
        end = at;
        if (at + 4 > data.Length)
            return false;
        long length = new WireReader(data.AsSpan(at)).ReadUInt32();
        if (length > MaxStringBytes || at + 4 + length > data.Length)
            return false;
        end = at + 4 + (int)length;
        ReadOnlySpan<byte> text = data.AsSpan(at + 4, (int)length);
        try
        {
            return !s_strict.GetString(text).Contains('\0', StringComparison.Ordinal);
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }
}
