using System.Text;
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
    HandshakeChannel channel, ExportTable exports, TlsNegotiation tls, NbdLimits limits, string peer, ILogger logger)
{
    private bool _noZeroes;

    /// <summary>Set when the server stops: options are answered so.</summary>
    public bool IsStopping { get; set; }

    /// <summary>Negotiates until the client has chosen or given up.</summary>
    /// <returns>The export that is to be served now; null when the client said that it wants none.</returns>
    /// <exception cref="HandshakeException">
    /// The connection ended, or the client broke a rule that cannot be answered.
    /// </exception>
    public async ValueTask<NbdExport?> RunAsync()
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
            byte[] data = await channel.ReadAsync(length);
            if (option == NBD_OPT_EXPORT_NAME)
                return await ChooseOldWayAsync(data);
            OptionReplies replies = Answer(option, data, out NbdExport? chosen, out bool startsTls);
            await channel.SendAsync(replies.Message);
            if (startsTls)
                await StartTlsAsync();
            if (chosen is not null || option == NBD_OPT_ABORT)
                return chosen;
        }
        throw Broken("more options than a client needs");
    }

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
    private async ValueTask StartTlsAsync()
    {
        await channel.StartTlsAsync(tls);
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
            _ => replies.Error(NBD_REP_ERR_UNSUP, "this server does not know the option"),
        };
    }

    private OptionReplies List(OptionReplies replies, byte[] data)
    {
        if (data.Length > 0)
            return replies.Error(NBD_REP_ERR_INVALID, "a list is asked for without data");
        foreach (NbdExport export in exports.All)
        {
            if (!tls.Withholds(export))
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
        return replies.Infos(export, request, limits.MaxPayloadBytes).Ack();
    }

    // This option has no error reply: what cannot be had ends the connection.
    private async ValueTask<NbdExport> ChooseOldWayAsync(byte[] name)
    {
        if (name.Length > MaxStringBytes)
            throw Broken("export name is longer than 4096 bytes");
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
        writer.WriteUInt16(export.TransmissionFlags);
        await channel.SendAsync(answer);
        return export;
    }

    private void LogUnknown(ReadOnlySpan<byte> name)
    {
        if (logger.IsEnabled(LogLevel.Information))
            logger.UnknownExport(peer, Printable.Name(Encoding.UTF8.GetString(name)));
    }
}
