using System.Collections.Immutable;
using System.Text;
using DmIo.Nbd.Status;
using DmIo.Nbd.Tls;
using DmIo.Nbd.Transmission;
using DmIo.Nbd.Wire;
using Microsoft.Extensions.Logging;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Negotiation;

/// <summary>
/// The fixed newstyle handshake with one client. Every option is read whole before it is looked at, so whatever the
/// answer is, the next option parses.
/// </summary>
internal sealed class Handshake(
    HandshakeChannel channel, ExportTable exports, TlsNegotiation tls, NbdLimits limits, OptionMemory memory, string peer,
    ILogger logger)
{
    private ClientTerms _terms = new();
    private bool _noZeroes;

    /// <summary>Set when the server stops: options are answered so.</summary>
    public bool IsStopping { get; set; }

    /// <summary>Negotiates until the client has chosen or given up.</summary>
    /// <returns>What is to be served now, and how; null when the client said that it wants none.</returns>
    /// <exception cref="HandshakeException">
    /// The connection ended, or the client broke a rule that cannot be answered.
    /// </exception>
    public async ValueTask<ChosenExport?> RunAsync()
    {
        await channel.SendAsync(Greeting());
        uint flags = new WireReader(await channel.ReadAsync(ClientFlagsBytes)).ReadUInt32();
        if ((flags & ~(NBD_FLAG_C_FIXED_NEWSTYLE | NBD_FLAG_C_NO_ZEROES)) != 0)
            throw Broken("unknown client flags");
        _noZeroes = (flags & NBD_FLAG_C_NO_ZEROES) != 0;
        tls.MayStart = (flags & NBD_FLAG_C_FIXED_NEWSTYLE) != 0;
        for (int i = 0; i < limits.MaxOptions; i++)
        {
            (uint option, int length) = ReadHeader(await channel.ReadAsync(OptionHeaderBytes));
            if (!memory.TryTake(length))
                throw Broken($"option {option} with {length} bytes of data, and others have sent too many as well");
            NbdExport? chosen;
            bool startsTls;
            try
            {
                byte[] data = await channel.ReadAsync(length);
                if (option == NBD_OPT_EXPORT_NAME)
                    return Chosen(await ChooseOldWayAsync(data));
                OptionReplies replies = Answer(option, data, out chosen, out startsTls);
                await channel.SendAsync(replies.Message);
            }
            finally
            {
                memory.Return(length);
            }
            if (startsTls)
                await StartTlsAsync();
            if (chosen is not null || option == NBD_OPT_ABORT)
                return chosen is null ? null : Chosen(chosen);
        }
        throw Broken("more options than a client needs");
    }

    private ChosenExport Chosen(NbdExport export) => new(export, _terms.Form, _terms.ContextsOf(export));

    private static byte[] Greeting()
    {
        byte[] greeting = new byte[GreetingBytes];
        var writer = new WireWriter(greeting);
        writer.WriteUInt64(NBDMAGIC);
        writer.WriteUInt64(IHAVEOPT);
        writer.WriteUInt16(NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES);
        return greeting;
    }

    private static HandshakeException Broken(string text) => new(new EndReason(text, false));

    private (uint Option, int Length) ReadHeader(byte[] bytes)
    {
        var reader = new WireReader(bytes);
        if (reader.ReadUInt64() != IHAVEOPT)
            throw Broken("option without the option magic");
        uint option = reader.ReadUInt32();
        uint length = reader.ReadUInt32();
        if (length > (uint)limits.MaxOptionBytes)
            throw Broken($"option {option} with {length} bytes of data");
        return (option, (int)length);
    }

    // Whatever was negotiated before came from someone who could not yet be trusted, and counts for nothing
    // (CVE-2021-3716). The client's flags belong to no option and stay.
    // What was agreed on in the clear, perhaps by somebody in between, does not hold behind it.
    private async ValueTask StartTlsAsync()
    {
        await channel.StartTlsAsync(tls);
        _terms = new ClientTerms();
    }

    private OptionReplies Answer(uint option, byte[] data, out NbdExport? chosen, out bool startsTls)
    {
        chosen = null;
        startsTls = false;
        var replies = new OptionReplies(option);
        if (option == NBD_OPT_ABORT)
            return replies.Ack();
        if (IsStopping)
            return replies.Error(NBD_REP_ERR_SHUTDOWN, "the server is stopping");
        if (tls.Refuse(option, replies) is { } refusal)
            return refusal;
        return option switch
        {
            NBD_OPT_STARTTLS => tls.AnswerStart(replies, data.Length, out startsTls),
            NBD_OPT_LIST => List(replies, data),
            NBD_OPT_INFO => Describe(replies, data, out _),
            NBD_OPT_GO => Describe(replies, data, out chosen),
            NBD_OPT_STRUCTURED_REPLY => AgreeOn(replies, data, ReplyForm.Structured),
            NBD_OPT_LIST_META_CONTEXT => FindContexts(replies, data, isList: true),
            NBD_OPT_SET_META_CONTEXT => SelectContexts(replies, data),
            NBD_OPT_EXTENDED_HEADERS => AgreeOn(replies, data, ReplyForm.Extended),
            _ => replies.Error(NBD_REP_ERR_UNSUP, "this server does not know the option"),
        };
    }

    private OptionReplies List(OptionReplies replies, byte[] data)
    {
        if (data.Length > 0)
            return replies.Error(NBD_REP_ERR_INVALID, "a list is asked for without data");
        foreach (NbdExport export in exports.All)
        {
            if (!export.IsHidden && !tls.Withholds(export))
                replies.Server(export);
        }
        return replies.Ack();
    }

    private OptionReplies Describe(OptionReplies replies, byte[] data, out NbdExport? export)
    {
        export = null;
        if (InfoRequest.TryParse(data, out InfoRequest request) is { } mistake)
            return replies.Error(NBD_REP_ERR_INVALID, mistake);
        export = exports.Find(request.Name);
        if (export is null)
        {
            LogUnknown(request.Name);
            return replies.Error(NBD_REP_ERR_UNKNOWN, "there is no export of this name");
        }
        if (tls.Withholds(export))
        {
            export = null;
            return tls.RefuseExport(replies);
        }
        return replies.Infos(export, FlagsOf(export), request, limits.MaximumBlockBytes).Ack();
    }

    private ushort FlagsOf(NbdExport export) =>
        export.TransmissionFlags(_terms.Form, !_terms.ContextsOf(export).IsEmpty);

    // What was agreed on once may be asked for again; the longer headers are never given up for the shorter.
    private OptionReplies AgreeOn(OptionReplies replies, byte[] data, ReplyForm form)
    {
        if (data.Length > 0)
            return replies.Error(NBD_REP_ERR_INVALID, "the option has no data");
        if (_terms.Form > form)
            return replies.Error(NBD_REP_ERR_EXT_HEADER_REQD, "extended headers were agreed on already");
        _terms.Form = form;
        return replies.Ack();
    }

    // Whatever comes of it, what was selected before is no longer.
    private OptionReplies SelectContexts(OptionReplies replies, byte[] data)
    {
        _terms.Select(null, []);
        return FindContexts(replies, data, isList: false);
    }

    private OptionReplies FindContexts(OptionReplies replies, byte[] data, bool isList)
    {
        if (_terms.Form == ReplyForm.Simple)
            return replies.Error(NBD_REP_ERR_INVALID, "structured replies have to be negotiated first");
        if (MetaContextRequest.TryParse(data, out MetaContextRequest request) is { } mistake)
            return replies.Error(NBD_REP_ERR_INVALID, mistake);
        if (exports.Find(request.Name) is not { } export)
        {
            LogUnknown(request.Name);
            return replies.Error(NBD_REP_ERR_UNKNOWN, "there is no export of this name");
        }
        if (tls.Withholds(export))
            return tls.RefuseExport(replies);
        ImmutableArray<MetaContext>.Builder found = ImmutableArray.CreateBuilder<MetaContext>();
        foreach (MetaContext context in MetaContext.OfferedBy(export))
        {
            if (!request.Wants(context, isList))
                continue;
            found.Add(context);
            replies.Context(isList ? 0 : context.Id, context);
        }
        if (!isList)
            _terms.Select(export, found.ToImmutable());
        return replies.Ack();
    }

    // This option has no error reply: what cannot be had ends the connection.
    private async ValueTask<NbdExport> ChooseOldWayAsync(byte[] name)
    {
        if (name.Length > MaxStringBytes)
            throw Broken("export name is longer than 4096 bytes");
        if (_terms.Form == ReplyForm.Extended)
            throw Broken("EXPORT_NAME after extended headers were agreed on");
        if (IsStopping)
            throw new HandshakeException(EndReason.Stopped);
        NbdExport? export = exports.Find(name);
        if (export is null)
        {
            LogUnknown(name);
            throw Broken("unknown export");
        }
        if (tls.Withholds(export))
            throw Broken("asked for an export without the TLS that it requires");
        byte[] answer = new byte[ExportNameReplyBytes + (_noZeroes ? 0 : ExportNameZeroBytes)];
        var writer = new WireWriter(answer);
        writer.WriteUInt64((ulong)export.SizeBytes);
        writer.WriteUInt16(FlagsOf(export));
        await channel.SendAsync(answer);
        return export;
    }

    private void LogUnknown(ReadOnlySpan<byte> name)
    {
        if (logger.IsEnabled(LogLevel.Information))
            logger.UnknownExport(peer, Printable.Name(Encoding.UTF8.GetString(name)));
    }
}
