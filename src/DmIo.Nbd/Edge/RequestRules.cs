using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Edge;

/// <summary>What a request is refused for before anything is done ("Request types", "Command flags").</summary>
internal static class RequestRules
{
    /// <summary>
    /// Checks command, flags, permission, length and range, in this order.
    /// </summary>
    /// <returns>
    /// None; EINVAL for what is unknown, not advertised, too long or reads past the end; EPERM for a change to a
    /// read-only export; ENOSPC for a write past the end.
    /// </returns>
    public static Errno Check(in RequestHeader header, NbdExport export, int maxPayloadBytes)
    {
        if (FlagsOf(header.Type) is not { } flags || (header.Flags & ~flags) != 0)
            return Errno.EINVAL;
        if (Changes(header) && export.ReadOnly)
            return Errno.EPERM;
        if (header.Type == NBD_CMD_FLUSH)
            return Errno.None; // Its offset and length are reserved; a client that sets them still means a flush.
        if (header.Type == NBD_CMD_TRIM && !export.CanTrim)
            return Errno.EINVAL;
        if (header.Type is NBD_CMD_READ or NBD_CMD_WRITE && header.Length > (uint)maxPayloadBytes)
            return Errno.EINVAL;
        ulong size = (ulong)export.SizeBytes;
        if (header.Offset <= size && header.Length <= size - header.Offset)
            return Errno.None;
        return header.Type is NBD_CMD_WRITE or NBD_CMD_WRITE_ZEROES ? Errno.ENOSPC : Errno.EINVAL;
    }

    /// <summary>Whether a request changes data.</summary>
    public static bool Changes(in RequestHeader header) =>
        header.Type is NBD_CMD_WRITE or NBD_CMD_TRIM or NBD_CMD_WRITE_ZEROES;

    // Null for commands that are unknown or not advertised.
    private static int? FlagsOf(ushort type) => type switch
    {
        NBD_CMD_READ or NBD_CMD_WRITE or NBD_CMD_FLUSH or NBD_CMD_TRIM => NBD_CMD_FLAG_FUA,
        NBD_CMD_WRITE_ZEROES => NBD_CMD_FLAG_FUA | NBD_CMD_FLAG_NO_HOLE,
        _ => null,
    };
}
