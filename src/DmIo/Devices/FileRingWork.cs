using System.Runtime.InteropServices;
using DmIo.Linux;

namespace DmIo;

/// <summary>
/// A read or write of a file device on its way through the loop's ring. Pooled by the device; the vectors lie in native
/// memory that the kernel reads until completion. A short transfer goes on where it stopped.
/// </summary>
internal sealed unsafe class FileRingWork(FileDevice device, int fd) : RingOperation
{
    // A piece of dm-io has at most this many segments; a longer vector takes several rounds.
    private const int MaxVectors = 256;

    private readonly IoVec* _vectors = (IoVec*)NativeMemory.Alloc(MaxVectors, (nuint)sizeof(IoVec));
    private BlockRequest? _request;
    private IoSegment _bounce;
    private long _doneBytes;

    public FileRingWork? NextFree { get; set; }

    public void Start(BlockRequest request, Ring ring)
    {
        _request = request;
        _doneBytes = 0;
        if (device.NeedsBounce(request.Data))
            RentBounce(request);
        SubmitRest(ring);
    }

    public void Free() => NativeMemory.Free(_vectors);

    protected internal override void Run()
    {
        BlockRequest request = _request!;
        Errno errno = Advance(ref _doneBytes, Result, request.Count.Bytes, device.IsDirect ? device.LogicalBlockBytes : 1);
        if (errno == Errno.EAGAIN)
        {
            // The kernel could not do it without waiting and would not wait: a worker thread can.
            ReturnBounce(request);
            _request = null;
            device.Return(this);
            device.TransferInLane(request);
            return;
        }
        if (errno == Errno.EINTR || (errno == Errno.None && _doneBytes < request.Count.Bytes))
        {
            SubmitRest(device.Ring!);
            return;
        }
        ReturnBounce(request);
        Sectors failedAt = request.Start + Sectors.Floor(_doneBytes);
        _request = null;
        device.Return(this);
        device.Finish(request, errno, failedAt);
    }

    /// <summary>
    /// Takes note of what the kernel answered. A short transfer past the page cache may end off the block size, where it
    /// cannot be taken up again; nothing transferred without an error means that the file has become shorter than the
    /// device.
    /// </summary>
    internal static Errno Advance(ref long doneBytes, int result, long wantedBytes, int unitBytes)
    {
        if (result < 0)
            return (Errno)(-result);
        long reached = doneBytes + result;
        if (reached < wantedBytes)
            reached &= -unitBytes;
        if (reached <= doneBytes)
            return Errno.EIO;
        doneBytes = reached;
        return Errno.None;
    }

    private void SubmitRest(Ring ring)
    {
        BlockRequest request = _request!;
        int count = 0;
        if (_bounce.LengthBytes > 0)
        {
            _vectors[count++] = new IoVec(_bounce.Address + (nint)_doneBytes, (nint)(_bounce.LengthBytes - _doneBytes));
        }
        else
        {
            foreach (IoSegment segment in request.Data.Slice(_doneBytes, request.Count.Bytes - _doneBytes))
            {
                if (count == MaxVectors)
                    break;
                _vectors[count++] = new IoVec(segment.Address, segment.LengthBytes);
            }
        }
        Entry = new SubmissionEntry
        {
            Opcode = request.Operation == BlockOperation.Write ? RingOpcode.WriteV : RingOpcode.ReadV,
            Fd = fd,
            OffsetBytes = request.Start.Bytes + _doneBytes,
            Address = (nint)_vectors,
            Length = (uint)count,
        };
        ring.Submit(this);
    }

    // O_DIRECT and memory that it cannot take: one copy, in native memory for as long as the operation runs.
    private void RentBounce(BlockRequest request)
    {
        int length = checked((int)request.Count.Bytes);
        _bounce = new IoSegment((nint)NativeMemory.AlignedAlloc((nuint)length, BufferPool.AlignmentBytes), length);
        if (request.Operation == BlockOperation.Write)
            request.Data.CopyTo(_bounce.Span);
    }

    private void ReturnBounce(BlockRequest request)
    {
        if (_bounce.LengthBytes == 0)
            return;
        if (request.Operation == BlockOperation.Read)
            request.Data.CopyFrom(_bounce.Span[..(int)_doneBytes]);
        NativeMemory.AlignedFree((void*)_bounce.Address);
        _bounce = default;
    }
}
