namespace DmIo.Nbd.Transmission;

/// <summary>
/// The bytes of a connection that have been received and not yet understood, in a chunk that it holds only while there
/// are any: idle connections cost no buffer.
/// </summary>
internal sealed class ReceiveBuffer(LoopMemory memory, NbdConnection connection)
{
    // A receive into less room than this is not worth its call, as long as moving what is unread costs next to nothing.
    private const int LeastRoomBytes = 16 << 10;
    private const int CheapMoveBytes = (8 << 10) + Wire.NbdConstants.ExtendedRequestHeaderBytes;

    private ReceiveChunk? _chunk;
    private int _at;
    private int _end;

    /// <summary>How many bytes are unread.</summary>
    public int UnreadBytes => _end - _at;

    /// <summary>The bytes that are unread.</summary>
    public ReadOnlySpan<byte> Unread => _chunk is null ? default : _chunk.Memory.Span[_at.._end];

    /// <summary>Where the next bytes go.</summary>
    public IoSegment Room =>
        _chunk is null ? default : new(_chunk.Memory.Address + _end, ReceiveChunk.SizeBytes - _end);

    /// <summary>Whether an item of so many bytes that begins at the unread ones ends within the chunk.</summary>
    public bool Fits(long bytes) => bytes <= ReceiveChunk.SizeBytes - _at;

    /// <summary>Whether an item that does not fit is brought to another chunk, once the room is used up.</summary>
    public static bool IsCheapToMove(long bytes) => bytes <= CheapMoveBytes;

    /// <summary>Notes that bytes were received into <see cref="Room"/>.</summary>
    public void Received(int bytes) => _end += bytes;

    /// <summary>Puts bytes that came by another way behind the unread ones; there must be room.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room.Span);
        _end += bytes.Length;
    }

    /// <summary>Passes over bytes.</summary>
    public void Skip(int bytes) => _at += bytes;

    /// <summary>Gives unread bytes to a request where they lie; they are yet to be passed over.</summary>
    public void Lend(NbdRequest request, int skipBytes, int bytes) =>
        request.AddFromChunk(_chunk!, new IoSegment(_chunk!.Memory.Address + _at + skipBytes, bytes));

    /// <summary>Copies the next bytes out.</summary>
    public void TakeCopy(IoVector destination)
    {
        destination.CopyFrom(Unread);
        _at += (int)destination.LengthBytes;
    }

    /// <summary>Makes room to receive into.</summary>
    /// <returns>False when the loop's memory is used up.</returns>
    public bool TryMakeRoom(bool wait)
    {
        if (_chunk is not null)
        {
            if (_at == _end && _chunk.IsSole)
                _at = _end = 0;
            int room = ReceiveChunk.SizeBytes - _end;
            if (room >= LeastRoomBytes || (room > 0 && UnreadBytes > CheapMoveBytes))
                return true;
            if (_chunk.IsSole)
            {
                Unread.CopyTo(_chunk.Memory.Span);
                (_at, _end) = (0, UnreadBytes);
                return true;
            }
        }
        ReceiveChunk? fresh = memory.TryRentChunk(connection, wait);
        if (fresh is null)
            return false;
        Unread.CopyTo(fresh.Memory.Span);
        _chunk?.Release();
        (_chunk, _at, _end) = (fresh, 0, UnreadBytes);
        return true;
    }

    /// <summary>Lets go of the chunk when nothing unread lies in it.</summary>
    public void ReleaseIfEmpty()
    {
        if (_at == _end)
            Discard();
    }

    /// <summary>Lets go of everything.</summary>
    public void Discard()
    {
        _chunk?.Release();
        _chunk = null;
        _at = _end = 0;
    }
}
