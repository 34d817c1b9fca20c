using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Wire;

/// <summary>What an error of the stack is called on the wire, which knows eight names ("Error values").</summary>
internal static class WireError
{
    /// <summary>Maps an errno; what the protocol has no name for is an I/O error.</summary>
    public static uint From(Errno errno) => errno switch
    {
        Errno.None => 0,
        Errno.EPERM or Errno.EROFS => NBD_EPERM,
        Errno.ENOMEM => NBD_ENOMEM,
        // ENOTSUP is the answer to a fast zero alone, which is given without asking the device.
        Errno.EINVAL or Errno.EOPNOTSUPP => NBD_EINVAL,
        Errno.ENOSPC or Errno.EDQUOT or Errno.EFBIG => NBD_ENOSPC,
        Errno.EOVERFLOW => NBD_EOVERFLOW,
        Errno.ESHUTDOWN => NBD_ESHUTDOWN,
        _ => NBD_EIO,
    };
}
