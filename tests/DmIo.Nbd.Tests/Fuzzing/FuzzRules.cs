using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>
/// What the protocol lets a server answer, written down once more from the specification: nothing here asks the server's
/// own rules.
/// </summary>
internal static class FuzzRules
{
    /// <summary>The errors that exist on the wire.</summary>
    public static readonly HashSet<uint> Known =
        [NBD_EPERM, NBD_EIO, NBD_ENOMEM, NBD_EINVAL, NBD_ENOSPC, NBD_EOVERFLOW, NBD_ENOTSUP, NBD_ESHUTDOWN];

    /// <summary>What a request may be answered.</summary>
    /// <returns>The errors, and whether it may succeed.</returns>
    public static (HashSet<uint> Errors, bool MaySucceed) Of(
        in RequestHeader header, ReplyForm form, FuzzExport export, bool hasContexts, int maxPayloadBytes)
    {
        var errors = new HashSet<uint>();
        bool isExtended = form == ReplyForm.Extended;
        bool hasPayloadFlag = (header.Flags & NBD_CMD_FLAG_PAYLOAD_LEN) != 0;
        bool changes = header.Type is NBD_CMD_WRITE or NBD_CMD_TRIM or NBD_CMD_WRITE_ZEROES;
        if (header.Type > NBD_CMD_BLOCK_STATUS || (header.Flags & ~AllowedFlags(header.Type, form)) != 0)
            errors.Add(NBD_EINVAL);
        if (header.Type == NBD_CMD_BLOCK_STATUS && (form == ReplyForm.Simple || !hasContexts))
            errors.Add(NBD_EINVAL);
        if (isExtended && header.Type == NBD_CMD_WRITE && !hasPayloadFlag)
            errors.Add(NBD_EINVAL);
        if (changes && export.IsReadOnly)
            errors.Add(NBD_EPERM);
        if (header.Type == NBD_CMD_TRIM && !export.CanTrim)
            errors.Add(NBD_EINVAL);
        if (header.Type is NBD_CMD_READ or NBD_CMD_WRITE && header.Length > (uint)maxPayloadBytes)
            errors.Add(NBD_EINVAL);
        bool hasRange = header.Type != NBD_CMD_FLUSH && !(header.Type == NBD_CMD_BLOCK_STATUS && isExtended && hasPayloadFlag);
        if (hasRange && !IsInside(header.Offset, header.Length, export))
            errors.Add(header.Type is NBD_CMD_WRITE or NBD_CMD_WRITE_ZEROES ? NBD_ENOSPC : NBD_EINVAL);
        if (hasRange && header.Type == NBD_CMD_BLOCK_STATUS && header.Length == 0)
            errors.Add(NBD_EINVAL);
        bool maySucceed = errors.Count == 0;
        if (header.Type == NBD_CMD_WRITE_ZEROES && (header.Flags & NBD_CMD_FLAG_FAST_ZERO) != 0
            && (!export.CanZeroFast || (header.Flags & NBD_CMD_FLAG_NO_HOLE) != 0))
        {
            errors.Add(NBD_ENOTSUP);
        }
        // Faults of the device: EIO of some sectors, ENOSPC and EOPNOTSUPP of others.
        if (maySucceed && export.MayFail && header.Type != NBD_CMD_BLOCK_STATUS)
            errors.UnionWith([NBD_EIO, NBD_ENOSPC, NBD_EINVAL]);
        return (errors, maySucceed);
    }

    /// <summary>Whether a range lies inside the export, in numbers that cannot overflow.</summary>
    public static bool IsInside(ulong offset, ulong length, FuzzExport export) =>
        (UInt128)offset + length <= (UInt128)export.SizeBytes;

    /// <summary>The transmission flags that an export must have.</summary>
    public static ushort TransmissionFlags(FuzzExport export, ReplyForm form, bool hasContexts)
    {
        int flags = NBD_FLAG_HAS_FLAGS | NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_FUA | NBD_FLAG_CAN_MULTI_CONN | NBD_FLAG_SEND_CACHE;
        flags |= form == ReplyForm.Simple ? 0 : NBD_FLAG_SEND_DF;
        flags |= form == ReplyForm.Extended && hasContexts ? NBD_FLAG_BLOCK_STATUS_PAYLOAD : 0;
        if (export.IsReadOnly)
            return (ushort)(flags | NBD_FLAG_READ_ONLY);
        return (ushort)(flags | NBD_FLAG_SEND_WRITE_ZEROES | NBD_FLAG_SEND_FAST_ZERO | (export.CanTrim ? NBD_FLAG_SEND_TRIM : 0));
    }

    private static int AllowedFlags(ushort type, ReplyForm form) => NBD_CMD_FLAG_FUA | type switch
    {
        NBD_CMD_READ when form != ReplyForm.Simple => NBD_CMD_FLAG_DF,
        NBD_CMD_WRITE when form == ReplyForm.Extended => NBD_CMD_FLAG_PAYLOAD_LEN,
        NBD_CMD_WRITE_ZEROES => NBD_CMD_FLAG_NO_HOLE | NBD_CMD_FLAG_FAST_ZERO,
        NBD_CMD_BLOCK_STATUS when form == ReplyForm.Extended => NBD_CMD_FLAG_REQ_ONE | NBD_CMD_FLAG_PAYLOAD_LEN,
        NBD_CMD_BLOCK_STATUS => NBD_CMD_FLAG_REQ_ONE,
        _ => 0,
    };
}
