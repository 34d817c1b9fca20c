namespace DmIo.Mapper;

// The way of a read: one leg, and the next when it fails.
internal sealed partial class MirrorTarget
{
    private MirrorRead? _freeRead;

    internal void Finished(MirrorRead read)
    {
        BlockRequest request = read.Original!;
        if (read.Error == Errno.None)
        {
            End(read, Errno.None, Sectors.Zero);
            return;
        }
        Leg failed = read.Leg!;
        NoteRead(failed, read);
        Sectors failedAt = read.FailedAt - failed.Offset;
        if (_legs.PickReader(request.Start, request.Count, read.Tried) is { } next)
        {
            Read(read, next);
            return;
        }
        // Never what happened to lie in the buffer.
        request.Data.Clear();
        End(read, Errno.EIO, failedAt);
    }

    private void StartRead(BlockRequest request)
    {
        MirrorRead read = _freeRead ?? new MirrorRead(this);
        _freeRead = read.NextFree;
        read.Original = request;
        read.Tried = 0;
        read.Operation = BlockOperation.Read;
        read.Flags = request.Flags;
        read.Count = request.Count;
        read.Data = request.Data;
        Read(read, _legs.PickReader(request.Start, request.Count, 0)!);
    }

    private static void Read(MirrorRead read, Leg leg)
    {
        read.Leg = leg;
        read.Tried |= leg.Bit;
        read.Start = leg.Offset + read.Original!.Start;
        leg.Device.Submit(read);
    }

    private void End(MirrorRead read, Errno errno, Sectors failedAt)
    {
        BlockRequest request = read.Original!;
        read.Original = null;
        read.Data = default;
        read.NextFree = _freeRead;
        _freeRead = read;
        End(request, errno, failedAt);
    }
}
