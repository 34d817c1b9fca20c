using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DmIo.SideBySide.Native;

namespace DmIo.SideBySide.Client;

/// <summary>
/// One NBD connection that keeps requests in flight. All of a batch goes out in one send, and a receive takes
/// as much as there is. Owns its buffers (native memory) and its socket until disposed; used by one thread.
/// </summary>
internal sealed unsafe class Connection : IDisposable
{
    // More than a Unix socket's default buffers hold, so that one call takes all there is.
    private const int ReceiveBytes = 512 * 1024;
    private const int SlotBits = 10;
    private const int MaximumDepth = 1 << SlotBits;

    private readonly Workload _workload;
    private readonly long _blocks;
    private readonly ushort _type;
    private readonly ushort _commandFlags;
    private readonly byte* _requests;
    private readonly byte* _payload;
    private readonly byte* _received;
    private readonly IoVector* _vectors;
    private readonly MessageHeader* _message;
    private readonly ulong* _cookies; // by slot; 0 is a free slot
    private readonly int* _freeSlots;
    private int _freeCount;
    private int _kept;
    private long _payloadLeft;
    private bool _payloadIsLast = true;
    private readonly bool _chunked;
    private ulong _sequence;
    private ulong _random;
    private readonly long _step = 1; // from one block to the next, where they are not drawn
    private long _nextBlock;

    public Connection(NegotiatedSocket socket, Workload workload, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(workload.Depth, MaximumDepth);
        Descriptor = socket.Descriptor;
        Flags = socket.Flags;
        _workload = workload;
        _chunked = workload.Structured && workload.Operation == Operation.Read;
        long span = workload.SpanBytes > 0 ? Math.Min(workload.SpanBytes, socket.SizeBytes) : socket.SizeBytes;
        _blocks = span / Math.Max(1, workload.BlockBytes);
        _type = workload.Operation switch
        {
            Operation.Read => Wire.CMD_READ,
            Operation.Flush => Wire.CMD_FLUSH,
            _ => Wire.CMD_WRITE,
        };
        _commandFlags = workload.Operation == Operation.DurableWrite ? Wire.CMD_FLAG_FUA : (ushort)0;
        _random = seed | 1;
        if (workload.Scattered)
        {
            _step = CoprimeStep(_blocks);
            _nextBlock = (long)(seed % (ulong)_blocks);
        }

        int depth = workload.Depth;
        _requests = Allocate(depth * Wire.RequestBytes);
        _payload = Allocate(workload.BlockBytes);
        new Random((int)seed).NextBytes(new Span<byte>(_payload, workload.BlockBytes));
        _received = Allocate(ReceiveBytes);
        _vectors = (IoVector*)Allocate(2 * depth * sizeof(IoVector));
        _message = (MessageHeader*)Allocate(sizeof(MessageHeader));
        _cookies = (ulong*)Allocate(depth * sizeof(ulong));
        _freeSlots = (int*)Allocate(depth * sizeof(int));
        for (int slot = 0; slot < depth; slot++)
        {
            _freeSlots[_freeCount++] = slot;
        }
    }

    public int Descriptor { get; private set; }

    public ushort Flags { get; }

    /// <summary>Requests whose reply, or whose reply's payload, has not arrived in full.</summary>
    public int InFlight => _workload.Depth - _freeCount + (_payloadLeft > 0 ? 1 : 0);

    /// <summary>Sends this many requests in one go. May block while the server takes them in.</summary>
    public void Submit(int count)
    {
        byte* header = _requests;
        IoVector* vector = _vectors;
        for (int i = 0; i < count; i++, header += Wire.RequestBytes)
        {
            int slot = _freeSlots[--_freeCount];
            ulong cookie = (++_sequence << SlotBits) | (uint)slot;
            _cookies[slot] = cookie;
            Put(header, Wire.REQUEST_MAGIC);
            Put(header + 4, ((uint)_commandFlags << 16) | _type);
            Put(header + 8, cookie);
            Put(header + 16, (ulong)NextOffset());
            Put(header + 24, (uint)_workload.BlockBytes);
            if (_workload.HasPayload)
            {
                *vector++ = new IoVector { Start = header, Length = Wire.RequestBytes };
                *vector++ = new IoVector { Start = _payload, Length = (nuint)_workload.BlockBytes };
            }
        }

        if (!_workload.HasPayload)
        {
            *vector++ = new IoVector { Start = _requests, Length = (nuint)(count * Wire.RequestBytes) };
        }

        *_message = new MessageHeader { Vectors = _vectors, VectorCount = (nuint)(vector - _vectors) };
        UnixSocket.SendAll(Descriptor, _message);
    }

    /// <summary>Receives once and returns how many requests that completed.</summary>
    public int Receive()
    {
        nint got;
        do
        {
            got = Libc.recv(Descriptor, _received + _kept, (nuint)(ReceiveBytes - _kept), 0);
        }
        while (UnixSocket.Interrupted(got));

        if (got <= 0)
        {
            Throw.Socket("recv", got);
        }

        byte* at = _received;
        long left = _kept + got;
        int completed = 0;
        while (true)
        {
            if (_payloadLeft > 0)
            {
                long taken = Math.Min(_payloadLeft, left);
                at += taken;
                left -= taken;
                _payloadLeft -= taken;
                if (_payloadLeft > 0)
                {
                    break;
                }

                completed += _payloadIsLast ? 1 : 0;
            }

            if (_chunked)
            {
                if (left < Wire.HoleChunkBytes)
                {
                    break;
                }

                int header = TakeChunk(at);
                at += header;
                left -= header;
                completed += _payloadLeft == 0 && _payloadIsLast ? 1 : 0;
                continue;
            }

            if (left < Wire.ReplyBytes)
            {
                break;
            }

            Retire(at);
            at += Wire.ReplyBytes;
            left -= Wire.ReplyBytes;
            if (_workload.Operation == Operation.Read)
            {
                _payloadLeft = _workload.BlockBytes;
            }
            else
            {
                completed++;
            }
        }

        _kept = (int)left;
        if (left > 0 && at != _received)
        {
            Unsafe.CopyBlockUnaligned(_received, at, (uint)left);
        }

        return completed;
    }

    public void Dispose()
    {
        if (Descriptor < 0)
        {
            return;
        }

        try
        {
            Span<byte> goodbye = stackalloc byte[Wire.RequestBytes];
            goodbye.Clear();
            BinaryPrimitives.WriteUInt32BigEndian(goodbye, Wire.REQUEST_MAGIC);
            BinaryPrimitives.WriteUInt16BigEndian(goodbye[6..], Wire.CMD_DISC);
            UnixSocket.Send(Descriptor, goodbye);
        }
        catch (NbdException)
        {
            // The server is gone already; there is nobody to say goodbye to.
        }

        _ = Libc.close(Descriptor);
        Descriptor = -1;
        NativeMemory.AlignedFree(_requests);
        NativeMemory.AlignedFree(_payload);
        NativeMemory.AlignedFree(_received);
        NativeMemory.AlignedFree(_vectors);
        NativeMemory.AlignedFree(_message);
        NativeMemory.AlignedFree(_cookies);
        NativeMemory.AlignedFree(_freeSlots);
    }

    /// <summary>About the golden section of all, so that neighbours in time are far from each other in place.</summary>
    private static long CoprimeStep(long blocks)
    {
        long step = Math.Max(1, (long)(blocks * 0.618));
        while (GreatestCommonDivisor(step, blocks) != 1)
        {
            step++;
        }

        return step;
    }

    private static long GreatestCommonDivisor(long a, long b) => b == 0 ? a : GreatestCommonDivisor(b, a % b);

    private static byte* Allocate(int bytes)
    {
        byte* memory = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), 4096);
        new Span<byte>(memory, bytes).Clear();
        return memory;
    }

    private static void Put(byte* at, uint value) =>
        Unsafe.WriteUnaligned(at, BinaryPrimitives.ReverseEndianness(value));

    private static void Put(byte* at, ulong value) =>
        Unsafe.WriteUnaligned(at, BinaryPrimitives.ReverseEndianness(value));

    private void Retire(byte* reply)
    {
        uint magic = BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<uint>(reply));
        uint error = BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<uint>(reply + 4));
        ulong cookie = BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ulong>(reply + 8));
        if (magic != Wire.SIMPLE_REPLY_MAGIC)
        {
            Throw.Magic(magic);
        }

        Retire(cookie, error);
    }

    // What a data chunk has behind its header, and a hole has not, is its payload.
    private int TakeChunk(byte* chunk)
    {
        uint magic = BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<uint>(chunk));
        ushort flags = BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ushort>(chunk + 4));
        ushort type = BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ushort>(chunk + 6));
        if (magic != Wire.STRUCTURED_REPLY_MAGIC)
        {
            Throw.Magic(magic);
        }

        _payloadIsLast = (flags & Wire.REPLY_FLAG_DONE) != 0;
        if (_payloadIsLast)
        {
            Retire(BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ulong>(chunk + 8)), 0);
        }

        if (type == Wire.REPLY_TYPE_OFFSET_HOLE)
        {
            return Wire.HoleChunkBytes;
        }

        if (type != Wire.REPLY_TYPE_OFFSET_DATA)
        {
            Throw.Reply(type);
        }

        _payloadLeft = BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<uint>(chunk + 16)) - sizeof(ulong);
        return Wire.DataChunkBytes;
    }

    private void Retire(ulong cookie, uint error)
    {
        int slot = (int)(cookie & (MaximumDepth - 1));
        if (slot >= _workload.Depth || _cookies[slot] != cookie || cookie == 0)
        {
            Throw.Cookie(cookie);
        }

        if (error != 0)
        {
            Throw.Reply(error);
        }

        _cookies[slot] = 0;
        _freeSlots[_freeCount++] = slot;
    }

    private long NextOffset()
    {
        if (_workload.Operation == Operation.Flush)
        {
            return 0;
        }

        long block;
        if (_workload.Sequential || _workload.Scattered)
        {
            block = _nextBlock;
            _nextBlock = block + _step;
            if (_nextBlock >= _blocks)
            {
                _nextBlock -= _blocks;
            }
        }
        else
        {
            _random ^= _random << 13;
            _random ^= _random >> 7;
            _random ^= _random << 17;
            block = (long)Math.BigMul(_random, (ulong)_blocks, out _);
        }

        return block * _workload.BlockBytes;
    }
}
