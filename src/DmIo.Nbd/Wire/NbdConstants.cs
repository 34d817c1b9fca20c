namespace DmIo.Nbd.Wire;

/// <summary>
/// Every number of the NBD protocol that the server knows, in the order and by the names of the specification
/// (doc/proto.md of NetworkBlockDevice/nbd).
/// </summary>
internal static class NbdConstants
{
    // Values, "Handshake phase": magics and sizes of what the server sends and receives there.
    public const ulong NBDMAGIC = 0x4e42444d41474943;
    public const ulong IHAVEOPT = 0x49484156454F5054;
    public const ulong NBD_REP_MAGIC = 0x0003e889045565a9;
    public const int GreetingBytes = 18;
    public const int ClientFlagsBytes = 4;
    public const int OptionHeaderBytes = 16;
    public const int OptionReplyHeaderBytes = 20;
    public const int ExportNameReplyBytes = 10;
    public const int ExportNameZeroBytes = 124;

    /// <summary>"Where this document refers to a string": no string is longer.</summary>
    public const int MaxStringBytes = 4096;

    // "Handshake flags".
    public const ushort NBD_FLAG_FIXED_NEWSTYLE = 1 << 0;
    public const ushort NBD_FLAG_NO_ZEROES = 1 << 1;

    // "Client flags".
    public const uint NBD_FLAG_C_FIXED_NEWSTYLE = 1 << 0;
    public const uint NBD_FLAG_C_NO_ZEROES = 1 << 1;

    // "Transmission flags".
    public const ushort NBD_FLAG_HAS_FLAGS = 1 << 0;
    public const ushort NBD_FLAG_READ_ONLY = 1 << 1;
    public const ushort NBD_FLAG_SEND_FLUSH = 1 << 2;
    public const ushort NBD_FLAG_SEND_FUA = 1 << 3;
    public const ushort NBD_FLAG_SEND_TRIM = 1 << 5;
    public const ushort NBD_FLAG_SEND_WRITE_ZEROES = 1 << 6;
    public const ushort NBD_FLAG_SEND_DF = 1 << 7;
    public const ushort NBD_FLAG_CAN_MULTI_CONN = 1 << 8;
    public const ushort NBD_FLAG_SEND_CACHE = 1 << 10;
    public const ushort NBD_FLAG_SEND_FAST_ZERO = 1 << 11;
    public const ushort NBD_FLAG_BLOCK_STATUS_PAYLOAD = 1 << 12;

    // "Option types". What is not named here is unknown, and answered so.
    public const uint NBD_OPT_EXPORT_NAME = 1;
    public const uint NBD_OPT_ABORT = 2;
    public const uint NBD_OPT_LIST = 3;
    public const uint NBD_OPT_STARTTLS = 5;
    public const uint NBD_OPT_INFO = 6;
    public const uint NBD_OPT_GO = 7;
    public const uint NBD_OPT_STRUCTURED_REPLY = 8;
    public const uint NBD_OPT_LIST_META_CONTEXT = 9;
    public const uint NBD_OPT_SET_META_CONTEXT = 10;
    public const uint NBD_OPT_EXTENDED_HEADERS = 11;

    // "Option reply types".
    public const uint NBD_REP_ACK = 1;
    public const uint NBD_REP_SERVER = 2;
    public const uint NBD_REP_INFO = 3;
    public const uint NBD_REP_META_CONTEXT = 4;
    public const uint NBD_REP_FLAG_ERROR = 1u << 31;
    public const uint NBD_REP_ERR_UNSUP = NBD_REP_FLAG_ERROR | 1;
    public const uint NBD_REP_ERR_POLICY = NBD_REP_FLAG_ERROR | 2;
    public const uint NBD_REP_ERR_INVALID = NBD_REP_FLAG_ERROR | 3;
    public const uint NBD_REP_ERR_TLS_REQD = NBD_REP_FLAG_ERROR | 5;
    public const uint NBD_REP_ERR_UNKNOWN = NBD_REP_FLAG_ERROR | 6;
    public const uint NBD_REP_ERR_SHUTDOWN = NBD_REP_FLAG_ERROR | 7;
    public const uint NBD_REP_ERR_EXT_HEADER_REQD = NBD_REP_FLAG_ERROR | 10;

    // "NBD_INFO" information types.
    public const ushort NBD_INFO_EXPORT = 0;
    public const ushort NBD_INFO_NAME = 1;
    public const ushort NBD_INFO_DESCRIPTION = 2;
    public const ushort NBD_INFO_BLOCK_SIZE = 3;

    // "Transmission phase": compact requests, simple replies, structured reply chunks.
    public const uint NBD_REQUEST_MAGIC = 0x25609513;
    public const uint NBD_SIMPLE_REPLY_MAGIC = 0x67446698;
    public const uint NBD_STRUCTURED_REPLY_MAGIC = 0x668e33ef;
    public const int RequestHeaderBytes = 28;
    public const int SimpleReplyHeaderBytes = 16;
    public const int StructuredReplyHeaderBytes = 20;

    // The same with extended headers (the specification's extension of that name).
    public const uint NBD_EXTENDED_REQUEST_MAGIC = 0x21e41c71;
    public const uint NBD_EXTENDED_REPLY_MAGIC = 0x6e8a278c;
    public const int ExtendedRequestHeaderBytes = 32;
    public const int ExtendedReplyHeaderBytes = 32;

    // "Request types".
    public const ushort NBD_CMD_READ = 0;
    public const ushort NBD_CMD_WRITE = 1;
    public const ushort NBD_CMD_DISC = 2;
    public const ushort NBD_CMD_FLUSH = 3;
    public const ushort NBD_CMD_TRIM = 4;
    public const ushort NBD_CMD_CACHE = 5;
    public const ushort NBD_CMD_WRITE_ZEROES = 6;
    public const ushort NBD_CMD_BLOCK_STATUS = 7;

    // "Command flags".
    public const ushort NBD_CMD_FLAG_FUA = 1 << 0;
    public const ushort NBD_CMD_FLAG_NO_HOLE = 1 << 1;
    public const ushort NBD_CMD_FLAG_DF = 1 << 2;
    public const ushort NBD_CMD_FLAG_REQ_ONE = 1 << 3;
    public const ushort NBD_CMD_FLAG_FAST_ZERO = 1 << 4;
    public const ushort NBD_CMD_FLAG_PAYLOAD_LEN = 1 << 5;

    // "Structured reply flags" and "Structured reply types".
    public const ushort NBD_REPLY_FLAG_DONE = 1 << 0;
    public const ushort NBD_REPLY_TYPE_NONE = 0;
    public const ushort NBD_REPLY_TYPE_OFFSET_DATA = 1;
    public const ushort NBD_REPLY_TYPE_OFFSET_HOLE = 2;
    public const ushort NBD_REPLY_TYPE_BLOCK_STATUS = 5;
    public const ushort NBD_REPLY_TYPE_BLOCK_STATUS_EXT = 6;
    public const ushort NBD_REPLY_TYPE_ERROR = 1 << 15 | 1;
    public const ushort NBD_REPLY_TYPE_ERROR_OFFSET = 1 << 15 | 2;

    // "base:allocation metadata context".
    public const uint NBD_STATE_HOLE = 1 << 0;
    public const uint NBD_STATE_ZERO = 1 << 1;

    // "Error values": nothing else goes over the wire.
    public const uint NBD_EPERM = 1;
    public const uint NBD_EIO = 5;
    public const uint NBD_ENOMEM = 12;
    public const uint NBD_EINVAL = 22;
    public const uint NBD_ENOSPC = 28;
    public const uint NBD_EOVERFLOW = 75;
    public const uint NBD_ENOTSUP = 95;
    public const uint NBD_ESHUTDOWN = 108;
}
