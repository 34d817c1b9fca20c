using System.Text;
using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>Makes cases: mostly what clients might do, with lengths, offsets and flags where mistakes live.</summary>
internal sealed class FuzzGenerator(Random random)
{
    private static readonly string[] s_names =
        ["", "vol0", "blocks", "faulty", "only-read", "late", "endless", "mirror", "mirror", "nobody"];

    private static readonly string[] s_queries =
        ["base:allocation", "base:allocation", "base:", "x-dmio:", "x-dmio:failed-legs", "x-dmio:out-of-sync", "base:other", "qemu:", "x"];

    private static readonly long[] s_edges =
        [0, 1, 511, 512, 513, 4095, 4096, 4097, 32 << 10, 65535, 65536, 65537, 128 << 10, 256 << 10, (256 << 10) + 1];

    private static readonly ulong[] s_numbers =
    [
        0, 1, 0x7f, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 1 << 20, 1 << 25, 64 << 20, (64 << 20) + 1, 0x7fffffff, 0x80000000,
        0xfffffe00, 0xffffffff, 0x100000000, 1UL << 40, 1UL << 62, (1UL << 62) - 512, long.MaxValue, 1UL << 63,
        ulong.MaxValue - 511, ulong.MaxValue,
    ];

    private readonly List<FuzzStep> _steps = [];
    private ulong _cookie;

    /// <summary>A number at the edge of something.</summary>
    public ulong Number() => random.Next(3) == 0 ? (ulong)random.NextInt64() : s_numbers[random.Next(s_numbers.Length)];

    public FuzzCase Case()
    {
        _steps.Clear();
        _cookie = 0;
        int clients = random.Next(4) == 0 ? random.Next(1, FuzzStep.MaxClients + 1) : 1;
        var forms = new ReplyForm?[clients];
        string name = s_names[random.Next(s_names.Length)];
        int count = random.Next(2, 16);
        for (int i = 0; i < count; i++)
        {
            int client = random.Next(clients);
            forms[client] ??= Negotiate(client, name);
            if (random.Next(5) == 0)
                Disturb(client);
            if (random.Next(8) > 0)
                Request(client, forms[client]!.Value);
            else if (random.Next(3) == 0)
                Again(client);
            else
                forms[client] = Other(client, forms[client]);
        }
        for (int client = 0; client < clients; client++)
            Leave(client);
        return new FuzzCase(Kind(), [.. _steps]);
    }

    public FuzzWorldKind Kind() => random.Next(8) switch
    {
        0 => FuzzWorldKind.Tcp,
        1 or 2 => FuzzWorldKind.Tight,
        3 or 4 => FuzzWorldKind.Crowded,
        _ => FuzzWorldKind.Unix,
    };

    /// <summary>A step of any kind.</summary>
    public FuzzStep AnyStep(int client)
    {
        _steps.Clear();
        switch (random.Next(8))
        {
            case 0:
                AnyOption(client);
                break;
            case 1:
                Disturb(client);
                break;
            case 2:
                _ = Other(client, null);
                break;
            case 3:
                Leave(client);
                break;
            default:
                Request(client, (ReplyForm)random.Next(3));
                break;
        }
        if (_steps.Count == 0)
            Add(FuzzStepKind.Wait, client);
        return _steps[0];
    }

    private FuzzStep Add(FuzzStepKind kind, int client)
    {
        var step = new FuzzStep(kind, client);
        _steps.Add(step);
        return step;
    }

    private ReplyForm Negotiate(int client, string name)
    {
        if (random.Next(20) == 0)
            Add(FuzzStepKind.Piece, client)[FuzzField.Length] = (ulong)random.Next(1, 30);
        Add(FuzzStepKind.Flags, client)[FuzzField.Flags] = random.Next(10) == 0 ? (ulong)random.Next(5) : 3;
        var form = (ReplyForm)random.Next(3);
        if (random.Next(3) == 0)
            AnyOption(client);
        if (form != ReplyForm.Simple)
        {
            Option(client, form == ReplyForm.Structured ? NBD_OPT_STRUCTURED_REPLY : NBD_OPT_EXTENDED_HEADERS, []);
            if (random.Next(4) > 0)
                Option(client, NBD_OPT_SET_META_CONTEXT, Meta(random.Next(8) == 0 ? AnyName() : name));
        }
        while (random.Next(4) == 0)
            AnyOption(client);
        if (form != ReplyForm.Extended && random.Next(8) == 0)
            Option(client, NBD_OPT_EXPORT_NAME, Encoding.UTF8.GetBytes(name));
        else
            Option(client, NBD_OPT_GO, Info(name));
        return form;
    }

    private string AnyName() => s_names[random.Next(s_names.Length)];

    private void Option(int client, uint option, byte[] data)
    {
        FuzzStep step = Add(FuzzStepKind.Option, client);
        step[FuzzField.Type] = option;
        step.Data = data;
    }

    private void AnyOption(int client)
    {
        uint option = (uint)random.Next(random.Next(8) == 0 ? 40 : 13);
        byte[] data = option switch
        {
            NBD_OPT_INFO or NBD_OPT_GO => Info(AnyName()),
            NBD_OPT_LIST_META_CONTEXT or NBD_OPT_SET_META_CONTEXT => Meta(AnyName()),
            NBD_OPT_EXPORT_NAME => Encoding.UTF8.GetBytes(AnyName()),
            _ => [],
        };
        Option(client, option, random.Next(4) == 0 ? Garble(data) : data);
    }

    // Bytes that nearly mean something.
    private byte[] Garble(byte[] data)
    {
        byte[] copy = [.. data, .. Bytes.Random(random.Next(3) == 0 ? random.Next(40) : 0, random.Next())];
        if (copy.Length > 0)
            copy[random.Next(copy.Length)] = (byte)random.Next(256);
        return random.Next(2) == 0 ? copy : copy[..random.Next(copy.Length + 1)];
    }

    private byte[] String(string text)
    {
        byte[] bytes = random.Next(40) == 0
            ? Encoding.UTF8.GetBytes(new string('ä', random.Next(2040, 2060)))
            : Encoding.UTF8.GetBytes(text);
        uint length = random.Next(25) == 0 ? (uint)Number() : (uint)bytes.Length;
        return [.. Bytes.U32(length), .. bytes];
    }

    private byte[] Info(string name)
    {
        int count = random.Next(5);
        byte[] data = [.. String(name), .. Bytes.U16((ushort)count)];
        for (; count > 0; count--)
            data = [.. data, .. Bytes.U16((ushort)random.Next(6))];
        return data;
    }

    private byte[] Meta(string name)
    {
        int count = random.Next(5);
        byte[] data = [.. String(name), .. Bytes.U32((uint)count)];
        for (; count > 0; count--)
            data = [.. data, .. String(s_queries[random.Next(s_queries.Length)])];
        return data;
    }

    private void Request(int client, ReplyForm form)
    {
        FuzzStep step = Add(FuzzStepKind.Request, client);
        ushort type = random.Next(30) == 0 ? (ushort)random.Next(7, 300) : (ushort)random.Next(random.Next(3) == 0 ? 8 : 2);
        int flags = random.Next(4) switch
        {
            0 => 1 << random.Next(6),
            1 when type == NBD_CMD_READ => NBD_CMD_FLAG_DF,
            1 when type == NBD_CMD_BLOCK_STATUS => NBD_CMD_FLAG_REQ_ONE,
            1 when type == NBD_CMD_WRITE_ZEROES => NBD_CMD_FLAG_FAST_ZERO,
            _ => 0,
        };
        step[FuzzField.Type] = type == NBD_CMD_DISC && random.Next(4) > 0 ? NBD_CMD_BLOCK_STATUS : type;
        step[FuzzField.Offset] = random.Next(20) == 0 ? Number() : (ulong)Offset();
        step[FuzzField.Length] = random.Next(25) == 0 ? Number() : (ulong)Length();
        step[FuzzField.Cookie] = random.Next(20) == 0 ? Number() : ++_cookie;
        bool hasPayload = type == NBD_CMD_WRITE;
        if (form == ReplyForm.Extended)
        {
            flags |= hasPayload ? NBD_CMD_FLAG_PAYLOAD_LEN : 0;
            hasPayload = (flags & NBD_CMD_FLAG_PAYLOAD_LEN) != 0;
            if (type == NBD_CMD_BLOCK_STATUS && random.Next(2) == 0)
            {
                StatusPayload(step);
                flags |= NBD_CMD_FLAG_PAYLOAD_LEN;
                hasPayload = false;
            }
        }
        step[FuzzField.Flags] = (ulong)flags;
        if (hasPayload && step[FuzzField.Length] <= 1 << 20)
        {
            step[FuzzField.Payload] = step[FuzzField.Length];
            step[FuzzField.Seed] = (ulong)random.Next(4);
        }
    }

    // The last request many times, all of them under way at once.
    private void Again(int client)
    {
        FuzzStep last = _steps[^1];
        for (int i = random.Next(1, 30); i > 0 && last.Kind == FuzzStepKind.Request && _steps.Count < FuzzCase.MaxSteps; i--)
        {
            FuzzStep again = last.Copy(client);
            again[FuzzField.Cookie] = ++_cookie;
            _steps.Add(again);
        }
    }

    private void StatusPayload(FuzzStep step)
    {
        byte[] data = Bytes.U64(random.Next(4) == 0 ? Number() : (ulong)Length());
        for (int i = random.Next(4); i > 0; i--)
            data = [.. data, .. Bytes.U32((uint)random.Next(1, 4))];
        step.Data = random.Next(10) == 0 ? Garble(data) : data;
        step[FuzzField.Length] = (ulong)step.Data.Length;
    }

    private long Offset() => random.Next(3) switch
    {
        0 => s_edges[random.Next(s_edges.Length)],
        1 => random.Next(FuzzWorld.SizeBytes / 512) * 512L,
        _ => random.Next(FuzzWorld.SizeBytes),
    };

    private long Length() => random.Next(4) switch
    {
        0 => s_edges[random.Next(s_edges.Length)],
        1 => random.Next(1, 17) * 512L,
        2 => random.Next(1, 17) * 4096L,
        _ => random.Next(9000),
    };

    private void Disturb(int client)
    {
        switch (random.Next(3))
        {
            case 0:
                Add(FuzzStepKind.Cut, client)[FuzzField.Length] = (ulong)random.Next(random.Next(2) == 0 ? 40 : 9000);
                break;
            case 1:
                Add(FuzzStepKind.Piece, client)[FuzzField.Length] = (ulong)random.Next(4) * (ulong)random.Next(1, 1500);
                break;
            default:
                FuzzStep step = Add(FuzzStepKind.Spoil, client);
                step[FuzzField.Offset] = (ulong)random.Next(36);
                step[FuzzField.Length] = (ulong)random.Next(3);
                step.Data = Bytes.Random(random.Next(3), random.Next());
                break;
        }
    }

    // Something other than a request. Null: whoever comes next begins anew.
    private ReplyForm? Other(int client, ReplyForm? form)
    {
        switch (random.Next(6))
        {
            case 0:
                Add(FuzzStepKind.Raw, client).Data = Bytes.Random(random.Next(60), random.Next());
                return form;
            case 1 or 2:
                Add(FuzzStepKind.End, client)[FuzzField.Type] = (ulong)random.Next(4);
                return null;
            default:
                Add(FuzzStepKind.Wait, client);
                return form;
        }
    }

    private void Leave(int client)
    {
        switch (random.Next(4))
        {
            case 0:
                Add(FuzzStepKind.Request, client)[FuzzField.Type] = NBD_CMD_DISC;
                break;
            case 1:
                Add(FuzzStepKind.End, client)[FuzzField.Type] = (ulong)random.Next(4);
                break;
            case 2:
                Add(FuzzStepKind.End, client)[FuzzField.Type] = (ulong)Ending.HalfClosed;
                break;
        }
    }
}
