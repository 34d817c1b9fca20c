using DmIo.Nbd.Negotiation;
using DmIo.Nbd.Transmission;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tls;

/// <summary>What TLS means for one client's options: the modes NOTLS, FORCEDTLS and SELECTIVETLS.</summary>
/// <param name="credentials">The server's; null for NOTLS.</param>
/// <param name="client">Who asks.</param>
internal sealed class TlsNegotiation(TlsCredentials? credentials, ServedClient client)
{
    /// <summary>The server's certificates; null when it speaks no TLS.</summary>
    public TlsCredentials? Credentials { get; } = credentials;

    /// <summary>Whether the client has claimed fixed newstyle, without which there is no TLS.</summary>
    public bool MayStart { get; set; }

    /// <summary>Whether the connection is encrypted.</summary>
    public bool IsOn => client.Tls is not null;

    /// <summary>Whether nothing is to be had before TLS.</summary>
    public bool IsMissing => Credentials is { Source.IsRequired: true } && !IsOn;

    /// <summary>Whether an export is not for this client, as long as it does without TLS.</summary>
    public bool Withholds(NbdExport export) => !IsOn && (IsMissing || export.RequiresTls);

    /// <summary>
    /// Refuses whatever is no way to TLS, options that nobody knows included; null when the option is to be answered.
    /// </summary>
    /// <exception cref="HandshakeException">There is no way to TLS for this client.</exception>
    public OptionReplies? Refuse(uint option, OptionReplies replies)
    {
        if (!IsMissing || option is NBD_OPT_STARTTLS or NBD_OPT_ABORT)
            return null;
        return MayStart ? RefuseExport(replies) : throw new HandshakeException(
            new EndReason("TLS is required, and the client does not know fixed newstyle", false));
    }

    /// <summary>Says that something is withheld; who cannot have TLS is not told of it.</summary>
    public OptionReplies RefuseExport(OptionReplies replies) => MayStart
        ? replies.Error(NBD_REP_ERR_TLS_REQD, "this is only to be had with TLS")
        : replies.Error(NBD_REP_ERR_UNKNOWN, "there is no export of this name");

    /// <summary>The connection is encrypted from here on.</summary>
    public void Began(TlsTransport transport, TlsPeer peer)
    {
        client.Tls = transport.Describe(peer.Name);
        Credentials!.Began(client);
    }

    /// <summary>Answers STARTTLS.</summary>
    /// <param name="replies">The reply.</param>
    /// <param name="dataLength">Length of the option's data, of which there must be none.</param>
    /// <param name="begins">Whether the next bytes of the client are TLS.</param>
    public OptionReplies AnswerStart(OptionReplies replies, int dataLength, out bool begins)
    {
        begins = false;
        if (Credentials is null)
            return replies.Error(NBD_REP_ERR_UNSUP, "this server speaks no TLS");
        if (dataLength > 0)
            return replies.Error(NBD_REP_ERR_INVALID, "TLS is asked for without data");
        if (IsOn)
            return replies.Error(NBD_REP_ERR_INVALID, "this connection is encrypted already");
        if (!MayStart)
            return replies.Error(NBD_REP_ERR_POLICY, "TLS is for clients that know fixed newstyle");
        begins = true;
        return replies.Ack();
    }
}
