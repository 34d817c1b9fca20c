using System.Runtime.CompilerServices;

namespace DmIo;

/// <summary>
/// A window of bytes over an array of segments: the data buffer of a request, or a part of it. Slicing allocates nothing.
/// The array belongs to whoever made it and must stay as it is until the request that carries the vector has completed.
/// </summary>
public readonly struct IoVector
{
    private readonly IoSegment[]? _segments;
    private readonly int _first;
    private readonly int _skipBytes;

    /// <summary>The whole of the first <paramref name="count"/> segments of <paramref name="segments"/>.</summary>
    public IoVector(IoSegment[] segments, int count)
    {
        ArgumentNullException.ThrowIfNull(segments);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, segments.Length);
        long length = 0;
        for (int i = 0; i < count; i++)
            length += segments[i].LengthBytes;
        _segments = segments;
        LengthBytes = length;
    }

    private IoVector(IoSegment[]? segments, int first, int skipBytes, long lengthBytes)
    {
        _segments = segments;
        _first = first;
        _skipBytes = skipBytes;
        LengthBytes = lengthBytes;
    }

    /// <summary>A vector without memory, for operations that carry no payload.</summary>
    public static IoVector Empty => default;

    /// <summary>Bytes in the window.</summary>
    public long LengthBytes { get; }

    /// <summary>The bytes from <paramref name="offsetBytes"/> on, <paramref name="lengthBytes"/> of them.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The part lies outside the window.</exception>
    public IoVector Slice(long offsetBytes, long lengthBytes)
    {
        if (offsetBytes < 0 || lengthBytes < 0 || offsetBytes > LengthBytes - lengthBytes)
            throw new ArgumentOutOfRangeException(nameof(offsetBytes), offsetBytes, "The part lies outside the vector.");
        if (offsetBytes == 0)
            return new(_segments, _first, _skipBytes, lengthBytes);
        int index = _first;
        long skip = _skipBytes + offsetBytes;
        while (index < _segments!.Length && skip >= _segments[index].LengthBytes)
            skip -= _segments[index++].LengthBytes;
        return new(_segments, index, (int)skip, lengthBytes);
    }

    /// <summary>Walks the segments of the window, the first and the last cut to it; empty ones are passed over.</summary>
    public Enumerator GetEnumerator() => new(this);

    /// <summary>
    /// Copies the window's segments to <paramref name="destination"/>.
    /// </summary>
    /// <returns>How many were copied; fewer than the window has when the destination is full.</returns>
    public int CopyTo(Span<IoSegment> destination)
    {
        int n = 0;
        foreach (IoSegment segment in this)
        {
            if (n == destination.Length)
                break;
            destination[n++] = segment;
        }
        return n;
    }

    /// <summary>How many segments the window touches.</summary>
    public int CountSegments()
    {
        int count = 0;
        foreach (IoSegment _ in this)
            count++;
        return count;
    }

    /// <summary>Copies bytes out of the window, as many as both sides hold.</summary>
    public void CopyTo(Span<byte> destination)
    {
        foreach (IoSegment segment in this)
        {
            int n = Math.Min(segment.LengthBytes, destination.Length);
            segment.Span[..n].CopyTo(destination);
            destination = destination[n..];
        }
    }

    /// <summary>Copies bytes into the window, as many as both sides hold.</summary>
    public void CopyFrom(ReadOnlySpan<byte> source)
    {
        foreach (IoSegment segment in this)
        {
            int n = Math.Min(segment.LengthBytes, source.Length);
            source[..n].CopyTo(segment.Span);
            source = source[n..];
        }
    }

    /// <summary>Fills the window with zeroes.</summary>
    public void Clear()
    {
        foreach (IoSegment segment in this)
            segment.Span.Clear();
    }

    /// <summary>Whether every address and every length in the window is a multiple of <paramref name="alignment"/> bytes.</summary>
    public bool IsAligned(int alignment)
    {
        foreach (IoSegment segment in this)
        {
            if ((((long)segment.Address | (uint)segment.LengthBytes) & (alignment - 1)) != 0)
                return false;
        }
        return true;
    }

    /// <summary>Walks a vector's segments.</summary>
    public struct Enumerator
    {
        private readonly IoSegment[]? _segments;
        private long _left;
        private int _next;
        private int _skip;

        internal Enumerator(in IoVector vector)
        {
            _segments = vector._segments;
            _left = vector.LengthBytes;
            _next = vector._first;
            _skip = vector._skipBytes;
            Current = default;
        }

        /// <summary>The present segment.</summary>
        public IoSegment Current { get; private set; }

        /// <summary>Moves to the next segment that has bytes in the window.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool MoveNext()
        {
            while (_left > 0)
            {
                IoSegment whole = _segments![_next++];
                int length = (int)Math.Min(whole.LengthBytes - _skip, _left);
                Current = new(whole.Address + _skip, length);
                _skip = 0;
                _left -= length;
                if (length > 0)
                    return true;
            }
            return false;
        }
    }
}
