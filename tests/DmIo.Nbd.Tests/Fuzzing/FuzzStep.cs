using System.Globalization;
using System.Text;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>One step of a case: a client, what it does, and the numbers and bytes that belong to it.</summary>
internal sealed class FuzzStep(FuzzStepKind kind, int client)
{
    /// <summary>Clients that a case may have at once.</summary>
    public const int MaxClients = 3;

    // More than any buffer between client and device, little enough that thousands of cases take seconds.
    private const ulong MostPayloadBytes = 1 << 20;

    private static readonly string[] s_kinds = Enum.GetNames<FuzzStepKind>();
    private static readonly string[] s_fields = Enum.GetNames<FuzzField>();

    private readonly ulong[] _fields = new ulong[s_fields.Length];

    public FuzzStepKind Kind { get; } = kind;

    public int Client { get; } = client;

    public byte[] Data { get; set; } = [];

    public ulong this[FuzzField field]
    {
        get => _fields[(int)field];
        set => _fields[(int)field] = value;
    }

    /// <summary>The same of a client; all fields are copied.</summary>
    public FuzzStep Copy(int? client = null)
    {
        var copy = new FuzzStep(Kind, client ?? Client) { Data = Data };
        _fields.CopyTo(copy._fields, 0);
        return copy;
    }

    /// <summary>Whether it sends something.</summary>
    public bool Sends => Kind <= FuzzStepKind.Raw;

    /// <summary>The bytes that it sends.</summary>
    public byte[] Encode(bool isExtended)
    {
        switch (Kind)
        {
            case FuzzStepKind.Flags:
                return Bytes.U32((uint)this[FuzzField.Flags]);
            case FuzzStepKind.Option:
                return
                [
                    .. Bytes.U64(IHAVEOPT ^ this[FuzzField.Magic]), .. Bytes.U32((uint)this[FuzzField.Type]),
                    .. Bytes.U32((uint)Data.Length + (uint)this[FuzzField.Length]), .. Data,
                ];
            case FuzzStepKind.Request:
                return [.. Header(isExtended ^ (this[FuzzField.Wide] != 0)), .. Payload()];
            default:
                return Data;
        }
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Client} {s_kinds[(int)Kind]}");
        for (int i = 0; i < _fields.Length; i++)
        {
            if (_fields[i] != 0)
                text.Append(CultureInfo.InvariantCulture, $" {s_fields[i]}={_fields[i]:x}");
        }
        if (Data.Length > 0)
            text.Append(CultureInfo.InvariantCulture, $" Data={Convert.ToHexStringLower(Data)}");
        return text.ToString();
    }

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public static FuzzStep Parse(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 2 || !int.TryParse(words[0], CultureInfo.InvariantCulture, out int client)
            || client is < 0 or >= MaxClients || Array.IndexOf(s_kinds, words[1]) is var kind && kind < 0)
        {
            throw new FormatException($"not a step: {line}");
        }
        var step = new FuzzStep((FuzzStepKind)kind, client);
        foreach (string word in words.AsSpan(2))
        {
            int at = word.IndexOf('=', StringComparison.Ordinal);
            string name = at < 0 ? word : word[..at];
            int field = Array.IndexOf(s_fields, name);
            if (at >= 0 && name == "Data")
                step.Data = Convert.FromHexString(word[(at + 1)..]);
            else if (at >= 0 && field >= 0)
                step._fields[field] = ulong.Parse(word[(at + 1)..], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            else
                throw new FormatException($"not a field: {word}");
        }
        return step;
    }

    private byte[] Header(bool isExtended)
    {
        var type = (ushort)this[FuzzField.Type];
        ulong magic = this[FuzzField.Magic];
        byte[] start =
        [
            .. Bytes.U32((isExtended ? NBD_EXTENDED_REQUEST_MAGIC : NBD_REQUEST_MAGIC) ^ (uint)magic),
            .. Bytes.U16((ushort)this[FuzzField.Flags]), .. Bytes.U16(type), .. Bytes.U64(this[FuzzField.Cookie]),
            .. Bytes.U64(this[FuzzField.Offset]),
        ];
        ulong length = this[FuzzField.Length];
        return isExtended ? [.. start, .. Bytes.U64(length)] : [.. start, .. Bytes.U32((uint)length)];
    }

    private byte[] Payload()
    {
        if (Data.Length > 0)
            return Data;
        int bytes = (int)Math.Min(this[FuzzField.Payload], MostPayloadBytes);
        return this[FuzzField.Seed] == 0 ? new byte[bytes] : Bytes.Random(bytes, (int)this[FuzzField.Seed]);
    }
}
