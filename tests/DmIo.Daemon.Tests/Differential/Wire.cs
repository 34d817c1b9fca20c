using System.Buffers.Binary;
using System.Text;

namespace DmIo.Daemon.Tests;

/// <summary>
/// The numbers of the protocol that the prober needs, written down a second time from the specification, so that a number
/// that the server has wrong is seen.
/// </summary>
internal static class Wire
{
    public const ulong ServerMagic = 0x4e42444d41474943;
    public const ulong OptionMagic = 0x49484156454F5054;
    public const ulong OptionReplyMagic = 0x0003e889045565a9;
    public const uint RequestMagic = 0x25609513;
    public const uint ExtendedRequestMagic = 0x21e41c71;
    public const uint SimpleReplyMagic = 0x67446698;
    public const uint StructuredReplyMagic = 0x668e33ef;

    public const uint ExportName = 1;
    public const uint Abort = 2;
    public const uint List = 3;
    public const uint PeekExport = 4;
    public const uint StartTls = 5;
    public const uint Info = 6;
    public const uint Go = 7;
    public const uint StructuredReply = 8;
    public const uint ListMetaContext = 9;
    public const uint SetMetaContext = 10;
    public const uint ExtendedHeaders = 11;
    public const uint NoSuchOption = 0x7ffffff0;

    public const ushort Read = 0;
    public const ushort Write = 1;
    public const ushort Disconnect = 2;
    public const ushort Flush = 3;
    public const ushort Trim = 4;
    public const ushort Cache = 5;
    public const ushort WriteZeroes = 6;
    public const ushort BlockStatus = 7;
    public const ushort Resize = 8;

    public const ushort Fua = 1 << 0;
    public const ushort NoHole = 1 << 1;
    public const ushort DontFragment = 1 << 2;
    public const ushort ReqOne = 1 << 3;
    public const ushort FastZero = 1 << 4;

    private static readonly string[] s_transmissionFlags =
    [
        "HAS_FLAGS", "READ_ONLY", "FLUSH", "FUA", "ROTATIONAL", "TRIM", "WRITE_ZEROES", "DF", "MULTI_CONN", "RESIZE", "CACHE",
        "FAST_ZERO", "STATUS_PAYLOAD",
    ];

    private static readonly string[] s_optionErrors =
    [
        "UNSUP", "POLICY", "INVALID", "PLATFORM", "TLS_REQD", "UNKNOWN", "SHUTDOWN", "BLOCK_SIZE_REQD", "TOO_BIG",
        "EXT_HEADER_REQD",
    ];

    public static byte[] U16(int value)
    {
        byte[] bytes = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)value);
        return bytes;
    }

    public static byte[] U32(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    public static byte[] U64(ulong value)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return bytes;
    }

    /// <summary>A string behind its length.</summary>
    public static byte[] String(string text) =>
        [.. U32((uint)Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)];

    /// <summary>What INFO and GO carry.</summary>
    public static byte[] InfoData(string name, params int[] types) =>
        [.. String(name), .. U16(types.Length), .. types.SelectMany(U16)];

    /// <summary>What LIST_META_CONTEXT and SET_META_CONTEXT carry.</summary>
    public static byte[] MetaData(string name, params string[] queries) =>
        [.. String(name), .. U32((uint)queries.Length), .. queries.SelectMany(String)];

    public static string FlagNames(int flags) => flags == 0
        ? "none"
        : string.Join(' ', Enumerable.Range(0, 16).Where(bit => (flags >> bit & 1) != 0)
            .Select(bit => bit < s_transmissionFlags.Length ? s_transmissionFlags[bit] : $"bit {bit}"));

    public static string OptionError(uint type)
    {
        uint number = type & int.MaxValue;
        return type >> 31 == 1 && number >= 1 && number <= s_optionErrors.Length ? s_optionErrors[number - 1] : $"type {type:x}";
    }

    public static string ErrorName(uint error) => error switch
    {
        0 => "ok",
        1 => "EPERM",
        5 => "EIO",
        12 => "ENOMEM",
        22 => "EINVAL",
        28 => "ENOSPC",
        75 => "EOVERFLOW",
        95 => "ENOTSUP",
        108 => "ESHUTDOWN",
        _ => $"error {error}",
    };
}
