using System.Runtime.InteropServices;
using DmIo.Linux;
using DmIo.Nbd.Sockets;
using DmIo.Nbd.Wire;

namespace DmIo.Nbd.Transmission;

/// <summary>
/// Sends a connection's replies in the order of their completion, headers and data of many in one call. Owns the
/// requests from <see cref="Add"/> until their last byte is in the socket, and releases them through the connection.
/// </summary>
internal sealed unsafe class ReplySender(NbdConnection connection, Transport transport, ReplyForm form)
{
    // As many as fit beside their data's vectors in one call.
    private const int MaxHeaders = IoVec.Max / 2;

    private IoVec* _vectors;
    private byte* _headers;
    private int _nextVector;
    private int _vectorEnd;
    private long _batchBytes;
    private long _untakenBytes;
    private NbdRequest? _firstUnsent;
    private NbdRequest? _firstUnbatched;
    private NbdRequest? _last;

    /// <summary>Reply bytes that the socket has not taken yet.</summary>
    public long UnsentBytes => _untakenBytes + transport.UnsentBytes;

    /// <summary>Whether the socket is full: nothing can be sent before it tells that there is room.</summary>
    public bool IsFull { get; set; }

    /// <summary>Queues a finished request's reply.</summary>
    public void Add(NbdRequest request)
    {
        request.NextReply = null;
        request.UnsentBytes = request.PrepareReply(form);
        _untakenBytes += request.UnsentBytes;
        if (_last is null)
            _firstUnsent = request;
        else
            _last.NextReply = request;
        _last = request;
        _firstUnbatched ??= request;
    }

    /// <summary>
    /// Sends until nothing is left or the socket is full.
    /// </summary>
    /// <returns>
    /// None when everything went out; EAGAIN when the socket is full; otherwise the connection is broken.
    /// </returns>
    public Errno Send()
    {
        while (true)
        {
            if (_nextVector == _vectorEnd && !BuildBatch())
                return FlushTransport();
            nint sent = transport.Send(_vectors + _nextVector, _vectorEnd - _nextVector, out Errno errno);
            if (sent < 0)
            {
                IsFull = errno == Errno.EAGAIN;
                return errno;
            }
            bool all = sent == _batchBytes;
            Consume(sent);
            if (!all)
            {
                IsFull = true;
                return Errno.EAGAIN;
            }
        }
    }

    private Errno FlushTransport()
    {
        Errno errno = transport.Flush();
        IsFull = errno == Errno.EAGAIN;
        return errno;
    }

    /// <summary>Releases what will never be sent.</summary>
    public void Discard()
    {
        _nextVector = _vectorEnd = 0;
        _firstUnbatched = _last = null;
        _untakenBytes = 0;
        while (_firstUnsent is { } request)
        {
            _firstUnsent = request.NextReply;
            connection.Released(request);
        }
    }

    /// <summary>Gives back the memory that batches are built in.</summary>
    public void Free()
    {
        NativeMemory.Free(_vectors);
        NativeMemory.Free(_headers);
        _vectors = null;
        _headers = null;
    }

    private bool BuildBatch()
    {
        if (_firstUnbatched is null)
            return false;
        if (_vectors is null)
        {
            _vectors = (IoVec*)NativeMemory.Alloc(IoVec.Max, (nuint)sizeof(IoVec));
            _headers = (byte*)NativeMemory.Alloc(MaxHeaders, ReplyChunk.MaxDataHeaderBytes);
        }
        int count = 0;
        int headers = 0;
        byte* header = _headers;
        bool extends = false;
        _batchBytes = 0;
        NbdRequest? request = _firstUnbatched;
        while (request is not null && headers < MaxHeaders && count + 1 + request.ReplyVectors <= IoVec.Max)
        {
            if (request.Composed is { } composed)
            {
                count = composed.AddVectors(_vectors, count, request.ReplyData);
                extends = false;
            }
            else
            {
                int bytes = request.WriteHeader(new Span<byte>(header, ReplyChunk.MaxDataHeaderBytes), form);
                // Headers without data between them lie side by side: one vector for all of them.
                if (extends)
                    _vectors[count - 1] = new IoVec(_vectors[count - 1].Base, _vectors[count - 1].Length + bytes);
                else
                    _vectors[count++] = new IoVec((nint)header, bytes);
                foreach (IoSegment segment in request.ReplyData)
                    _vectors[count++] = new IoVec(segment.Address, segment.LengthBytes);
                extends = request.ReplyData.LengthBytes == 0;
                headers++;
                header += bytes;
            }
            _batchBytes += request.UnsentBytes;
            request = request.NextReply;
        }
        _firstUnbatched = request;
        _nextVector = 0;
        _vectorEnd = count;
        return true;
    }

    private void Consume(nint sent)
    {
        _batchBytes -= sent;
        _untakenBytes -= sent;
        nint left = sent;
        while (left > 0)
        {
            IoVec vector = _vectors[_nextVector];
            if (left < vector.Length)
            {
                _vectors[_nextVector] = new IoVec(vector.Base + left, vector.Length - left);
                break;
            }
            left -= vector.Length;
            _nextVector++;
        }
        while (sent > 0)
        {
            NbdRequest request = _firstUnsent!;
            if (sent < request.UnsentBytes)
            {
                request.UnsentBytes -= sent;
                return;
            }
            sent -= (nint)request.UnsentBytes;
            _firstUnsent = request.NextReply;
            if (_firstUnsent is null)
                _last = null;
            connection.Released(request);
        }
    }
}
