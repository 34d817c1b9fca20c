using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Edge;

/// <summary>What a request is refused for before anything is done ("Request types", "Command flags").</summary>
internal static class RequestRules
{
    /// <summary>
    /// Checks command, flags, permission, length and range, in this order.
    /// </summary>
    /// <param name="header">The request.</param>
    /// <param name="export">What is served.</param>
    /// <param name="form">How requests look.</param>
    /// <param name="hasContexts">Whether contexts were selected.</param>
    /// <param name="maxPayloadBytes">The longest READ or WRITE.</param>
    /// <returns>
    /// None; EINVAL for what is unknown, not advertised, too long or reads past the end; EPERM for a change to a
    /// read-only export; ENOSPC for a write past the end; EOPNOTSUPP for zeroes that cannot be had fast.
    /// </returns>
    public static Errno Check(
        in RequestHeader header, NbdExport export, ReplyForm form, bool hasContexts, int maxPayloadBytes)
    {
        if (FlagsOf(header.Type, form) is not { } flags || (header.Flags & ~flags) != 0)
            return Errno.EINVAL;
        if (header.Type == NBD_CMD_BLOCK_STATUS && !hasContexts)
            return Errno.EINVAL;
        if (form == ReplyForm.Extended && header.Type == NBD_CMD_WRITE && !header.HasPayload(form))
            return Errno.EINVAL;
        if (Changes(header) && export.ReadOnly)
            return Errno.EPERM;
        if (header.Type == NBD_CMD_FLUSH)
            return Errno.None; // Its offset and length are reserved; a client that sets them still means a flush.
        if (header.Type == NBD_CMD_TRIM && !export.CanTrim)
            return Errno.EINVAL;
        if (header.Type is NBD_CMD_READ or NBD_CMD_WRITE && header.Length > (uint)maxPayloadBytes)
            return Errno.EINVAL;
        // Where the length is that of a payload, the range is in it, and checked when that is there.
        if (header.Type == NBD_CMD_BLOCK_STATUS && header.HasPayload(form))
            return Errno.None;
        if (CheckRange(header, header.Length, export) is not Errno.None and var errno)
            return errno;
        if (header.Type == NBD_CMD_BLOCK_STATUS && header.Length == 0)
            return Errno.EINVAL;
        return IsFastZero(header) && !CanZeroFast(header, export) ? Errno.EOPNOTSUPP : Errno.None;
    }

    /// <summary>Checks that a range lies inside the export.</summary>
    public static Errno CheckRange(in RequestHeader header, ulong length, NbdExport export)
    {
        ulong size = (ulong)export.SizeBytes;
        if (header.Offset <= size && length <= size - header.Offset)
            return Errno.None;
        return header.Type is NBD_CMD_WRITE or NBD_CMD_WRITE_ZEROES ? Errno.ENOSPC : Errno.EINVAL;
    }

    /// <summary>Whether a request changes data.</summary>
    public static bool Changes(in RequestHeader header) =>
        header.Type is NBD_CMD_WRITE or NBD_CMD_TRIM or NBD_CMD_WRITE_ZEROES;

    private static bool IsFastZero(in RequestHeader header) =>
        header.Type == NBD_CMD_WRITE_ZEROES && (header.Flags & NBD_CMD_FLAG_FAST_ZERO) != 0;

    // Zeroes that stay allocated are written by file systems that cannot mark them.
    private static bool CanZeroFast(in RequestHeader header, NbdExport export) =>
        export.Device.CanZeroFast && (header.Flags & NBD_CMD_FLAG_NO_HOLE) == 0;

    // Null for commands that are unknown or not advertised.
    private static int? FlagsOf(ushort type, ReplyForm form)
    {
        int structured = form == ReplyForm.Simple ? 0 : ~0;
        int extended = form == ReplyForm.Extended ? NBD_CMD_FLAG_PAYLOAD_LEN : 0;
        return type switch
        {
            NBD_CMD_READ => NBD_CMD_FLAG_FUA | (NBD_CMD_FLAG_DF & structured),
            NBD_CMD_WRITE => NBD_CMD_FLAG_FUA | extended,
            NBD_CMD_FLUSH or NBD_CMD_TRIM or NBD_CMD_CACHE => NBD_CMD_FLAG_FUA,
            NBD_CMD_WRITE_ZEROES => NBD_CMD_FLAG_FUA | NBD_CMD_FLAG_NO_HOLE | NBD_CMD_FLAG_FAST_ZERO,
            NBD_CMD_BLOCK_STATUS when structured != 0 => NBD_CMD_FLAG_FUA | NBD_CMD_FLAG_REQ_ONE | extended,
            _ => null,
        };
    }
}
