using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Transmission;

/// <summary>The sentence in an error chunk, for the client's user.</summary>
internal static class ReplyText
{
    /// <summary>What went wrong with a request.</summary>
    public static string Of(NbdRequest request, BlockFailure? failure)
    {
        if (failure is not null)
            return failure.ToString();
        if (request.FailedErrno is not Errno.None and var errno)
            return $"{request.Connection.Device.Name}: {NameOf(request.Command)} failed: {errno}";
        return request.ReplyError switch
        {
            NBD_EPERM => "the export is read-only",
            NBD_ENOSPC => "the range ends behind the end of the export",
            NBD_ENOTSUP => "zeroes would have to be written here, which is not fast",
            NBD_ESHUTDOWN => "not done: the export is offered no longer, or another client has asked meanwhile",
            _ => "a command, flag, length or range that cannot be served, or was not negotiated",
        };
    }

    private static string NameOf(ushort command) => command switch
    {
        NBD_CMD_READ => "READ",
        NBD_CMD_WRITE => "WRITE",
        NBD_CMD_FLUSH => "FLUSH",
        NBD_CMD_TRIM => "TRIM",
        NBD_CMD_CACHE => "CACHE",
        NBD_CMD_WRITE_ZEROES => "WRITE_ZEROES",
        _ => "the command",
    };
}
