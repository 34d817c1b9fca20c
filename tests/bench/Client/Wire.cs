namespace DmIo.SideBySide.Client;

/// <summary>The constants of the NBD protocol that the client speaks, in the protocol's order.</summary>
internal static class Wire
{
    public const ulong NBDMAGIC = 0x4e42444d41474943;
    public const ulong IHAVEOPT = 0x49484156454F5054;
    public const uint REQUEST_MAGIC = 0x25609513;
    public const uint SIMPLE_REPLY_MAGIC = 0x67446698;
    public const uint STRUCTURED_REPLY_MAGIC = 0x668e33ef;

    public const ushort FLAG_FIXED_NEWSTYLE = 1 << 0;
    public const ushort FLAG_NO_ZEROES = 1 << 1;
    public const uint OPT_EXPORT_NAME = 1;
    public const uint OPT_STRUCTURED_REPLY = 8;
    public const uint REP_ACK = 1;

    public const ushort FLAG_READ_ONLY = 1 << 1;
    public const ushort FLAG_SEND_FLUSH = 1 << 2;
    public const ushort FLAG_SEND_FUA = 1 << 3;

    public const ushort CMD_READ = 0;
    public const ushort CMD_WRITE = 1;
    public const ushort CMD_DISC = 2;
    public const ushort CMD_FLUSH = 3;
    public const ushort CMD_FLAG_FUA = 1 << 0;
    public const ushort REPLY_FLAG_DONE = 1 << 0;
    public const ushort REPLY_TYPE_OFFSET_DATA = 1;
    public const ushort REPLY_TYPE_OFFSET_HOLE = 2;

    public const int GreetingBytes = 18;
    public const int ExportBytes = 10;
    public const int PaddingBytes = 124;
    public const int RequestBytes = 28;
    public const int ReplyBytes = 16;
    public const int OptionBytes = 16;
    public const int OptionReplyBytes = 20;
    public const int DataChunkBytes = 28; // up to its data
    public const int HoleChunkBytes = 32;
}
