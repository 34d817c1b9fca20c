using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Transmission;

/// <summary>
/// Finds what need not be sent: runs of zeroes in what was read. They are looked for in the data itself, while it is in
/// the cache: that costs less than sending them, holds for every device, and cannot be out of date.
/// </summary>
internal static class ReadReply
{
    // Runs are counted in whole blocks of the client's offsets.
    private const int BlockBytes = 4096;

    // A shorter run of zeroes between data is sent as data: a chunk more costs both ends more than its bytes. Arbitrary.
    private const int LeastHoleBytes = 32 << 10;

    /// <summary>
    /// Lays a successful read out in chunks, if it has holes.
    /// </summary>
    /// <returns>False when it is one run of data, which takes no composing.</returns>
    public static bool TryCompose(NbdRequest request, ReplyForm form)
    {
        IoVector data = request.ReplyData;
        long length = data.LengthBytes;
        var run = new Run(request, form);
        long at = 0;
        long zeroesFrom = -1;
        foreach (IoSegment segment in data)
        {
            ReadOnlySpan<byte> rest = segment.Span;
            while (!rest.IsEmpty)
            {
                // Up to the next block boundary of the device.
                int take = (int)Math.Min(rest.Length, BlockBytes - ((request.OffsetBytes + at) & (BlockBytes - 1)));
                if (rest[..take].ContainsAnyExcept((byte)0))
                {
                    if (zeroesFrom >= 0)
                        run.Zeroes(zeroesFrom, at, length);
                    zeroesFrom = -1;
                    if (request.DontFragment)
                        return false;
                }
                else if (zeroesFrom < 0)
                {
                    zeroesFrom = at;
                }
                rest = rest[take..];
                at += take;
            }
        }
        if (zeroesFrom >= 0)
            run.Zeroes(zeroesFrom, length, length);
        return run.Finish(length);
    }

    private ref struct Run(NbdRequest request, ReplyForm form)
    {
        private long _done;
        private int _holes;

        public void Zeroes(long from, long to, long length)
        {
            bool isWhole = from == 0 && to == length;
            if (!isWhole && (to - from < LeastHoleBytes || _holes == ComposedReply.MaxHoles || request.DontFragment))
                return;
            ComposedReply reply = request.BeginComposing(isFirst: _holes++ == 0);
            if (from > _done)
                Data(reply, from, isLast: false);
            WireWriter writer = reply.Take(ReplyChunk.HeaderBytes(form) + sizeof(ulong) + sizeof(uint));
            ReplyChunk.WriteHeader(
                ref writer, form, request.Echo, NBD_REPLY_TYPE_OFFSET_HOLE, to == length, sizeof(ulong) + sizeof(uint));
            writer.WriteUInt64((ulong)(request.OffsetBytes + from));
            writer.WriteUInt32((uint)(to - from));
            _done = to;
        }

        public readonly bool Finish(long length)
        {
            if (_holes == 0)
                return false;
            if (_done < length)
                Data(request.BeginComposing(isFirst: false), length, isLast: true);
            return true;
        }

        private readonly void Data(ComposedReply reply, long to, bool isLast)
        {
            WireWriter writer = reply.Take(ReplyChunk.HeaderBytes(form) + sizeof(ulong));
            ReplyChunk.WriteHeader(
                ref writer, form, request.Echo, NBD_REPLY_TYPE_OFFSET_DATA, isLast, sizeof(ulong) + to - _done);
            writer.WriteUInt64((ulong)(request.OffsetBytes + _done));
            reply.AddData(_done, to - _done);
        }
    }
}
