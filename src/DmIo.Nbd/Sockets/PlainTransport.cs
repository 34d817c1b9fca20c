using DmIo.Linux;

namespace DmIo.Nbd.Sockets;

/// <summary>Bytes as they are.</summary>
internal sealed unsafe class PlainTransport(int fd) : Transport(fd)
{
    public override nint Receive(IoVec* vectors, int count, out Errno errno) =>
        ReceiveFromSocket(vectors, count, out errno);

    public override nint Send(IoVec* vectors, int count, out Errno errno) => SendToSocket(vectors, count, out errno);
}
