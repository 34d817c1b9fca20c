using System.Buffers.Binary;

namespace DmIo.Daemon.Tests;

/// <content>The transmission phase.</content>
internal sealed partial class RawClient
{
    /// <summary>Size and flags that GO told.</summary>
    public (ulong Size, int Flags) Export { get; private set; }

    /// <summary>Chooses the export, which must be there.</summary>
    public RawClient GoOn()
    {
        Export = HearExport(Wire.Go);
        // Devices may be slow, and a request that was given up would not be known to be done.
        _socket.ReceiveTimeout = (int)Deadline.Usual.TotalMilliseconds;
        return this;
    }

    /// <summary>What INFO or GO tell of the export, which must be there.</summary>
    public (ulong Size, int Flags) HearExport(uint option)
    {
        SendOption(option, Wire.InfoData("vol0"));
        (ulong Size, int Flags) export = default;
        while (true)
        {
            byte[] header = Receive(20);
            uint type = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(12));
            byte[] data = Receive((int)BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(16)));
            if (type == 1)
                return export;
            if (type != 3)
                throw WireEndException.Garbage($"no export: {Wire.OptionError(type)}");
            if (data is [0, 0, ..])
                export = ReadExport(data.AsSpan(2));
        }
    }

    public static (ulong Size, int Flags) ReadExport(ReadOnlySpan<byte> data) =>
        (BinaryPrimitives.ReadUInt64BigEndian(data), BinaryPrimitives.ReadUInt16BigEndian(data[8..]));

    /// <summary>Sends a request and writes down what is answered, and whether the next one is answered as it must be.</summary>
    public void Try(int type, int flags, ulong offset, uint length)
    {
        Hear(Call(type, flags, offset, length, type == Wire.Write ? Payload(offset, length) : []));
        CheckRequestsGoOn();
    }

    public void SendRequest(
        int type, int flags, ulong offset, uint length, ReadOnlySpan<byte> payload = default, uint magic = Wire.RequestMagic)
    {
        Send([.. Wire.U32(magic), .. Wire.U16(flags), .. Wire.U16(type), .. Wire.U64(++_cookie), .. Wire.U64(offset),
            .. Wire.U32(length)]);
        Send(payload);
    }

    /// <summary>Sends a request, takes its answer, and looks whether it is right by what the export is known to hold.</summary>
    public string Call(int type, int flags, ulong offset, uint length, ReadOnlySpan<byte> payload = default)
    {
        SendRequest(type, flags, offset, length, payload);
        string answer = IsStructured ? HearStructured(type, flags, offset, length) : HearSimple(type, offset, length);
        if (answer != "ok" || length == 0)
            return answer;
        if (offset + length > (ulong)_model.Length || offset + length < offset)
            return type == Wire.Flush ? answer : "ok, past the end";
        Span<byte> range = type is Wire.Write or Wire.WriteZeroes or Wire.Trim ? _model.AsSpan((int)offset, (int)length) : [];
        switch (type)
        {
            case Wire.Write:
                payload.CopyTo(range);
                break;
            case Wire.WriteZeroes:
                range.Clear();
                break;
            case Wire.Trim:
                // Whatever is there now: it is made known again.
                range.Clear();
                if (Call(Wire.WriteZeroes, 0, offset, length) is not "ok" and var zeroed)
                    return $"ok, WRITE_ZEROES {zeroed}";
                break;
        }
        return answer;
    }

    /// <summary>Bytes that no other place has.</summary>
    public byte[] Payload(ulong offset, uint length)
    {
        byte[] bytes = new byte[length];
        ulong word = (offset ^ _cookie) * 0x9e37_79b9_7f4a_7c15 | 1;
        for (int i = 0; i < bytes.Length; i++)
        {
            if (i % 8 == 0)
                word = word * 6364136223846793005 + 1442695040888963407;
            bytes[i] = (byte)(word >> (i % 8 * 8));
        }
        return bytes;
    }

    /// <summary>Writes down if a plain read is not answered as it must be.</summary>
    public void CheckRequestsGoOn()
    {
        if (Call(Wire.Read, 0, 4096, 512) is not "ok" and var answer)
            Hear($"next: {answer}");
    }

    private string HearSimple(int type, ulong offset, uint length)
    {
        uint magic = BinaryPrimitives.ReadUInt32BigEndian(Receive(4));
        if (magic != Wire.SimpleReplyMagic)
            throw WireEndException.Garbage($"magic {magic:x}");
        uint error = ReadSimple();
        if (error != 0 || type != Wire.Read)
            return Wire.ErrorName(error);
        return IsRight(offset, Receive((int)length)) ? "ok" : "wrong data";
    }

    private uint ReadSimple()
    {
        uint error = BinaryPrimitives.ReadUInt32BigEndian(Receive(4));
        if (BinaryPrimitives.ReadUInt64BigEndian(Receive(8)) != _cookie)
            throw WireEndException.Garbage("cookie");
        return error;
    }

    private string HearStructured(int type, int flags, ulong offset, uint length)
    {
        var chunks = new ChunkedAnswer(type, flags, offset, length);
        while (true)
        {
            uint magic = BinaryPrimitives.ReadUInt32BigEndian(Receive(4));
            if (magic == Wire.SimpleReplyMagic)
            {
                string simple = Wire.ErrorName(ReadSimple());
                return type == Wire.Read ? $"{simple} (simple)" : simple;
            }
            if (magic != Wire.StructuredReplyMagic)
                throw WireEndException.Garbage($"magic {magic:x}");
            byte[] header = Receive(16);
            if (BinaryPrimitives.ReadUInt64BigEndian(header.AsSpan(4)) != _cookie)
                throw WireEndException.Garbage("cookie");
            uint bytes = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(12));
            chunks.Add(BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(2)), Receive((int)bytes));
            if ((header[1] & 1) != 0)
                break;
        }
        return type == Wire.Read && chunks.Verdict == "ok" && !IsRight(offset, chunks.Data) ? "wrong data" : chunks.Verdict;
    }

    private bool IsRight(ulong offset, ReadOnlySpan<byte> data) =>
        offset <= (ulong)_model.Length && (ulong)data.Length <= (ulong)_model.Length - offset
            && data.SequenceEqual(_model.AsSpan((int)offset, data.Length));
}
