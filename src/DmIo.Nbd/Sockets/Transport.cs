using DmIo.Linux;
using DmIo.Nbd.Transmission;

namespace DmIo.Nbd.Sockets;

/// <summary>
/// How the bytes of one connection go through its socket: as they are, or in TLS records. Used by one loop at a time;
/// never waits. Does not own the descriptor.
/// </summary>
internal abstract unsafe class Transport(int fd)
{
    /// <summary>The socket, non-blocking.</summary>
    public int Fd { get; } = fd;

    /// <summary>Bytes of all kinds that the socket has taken.</summary>
    public long SentBytes { get; private set; }

    /// <summary>Bytes that were taken by <see cref="Send"/> and are not in the socket yet.</summary>
    public virtual int UnsentBytes => 0;

    /// <summary>
    /// Receives what there is. Less than was asked for means that the socket was empty for a moment, or that it is others'
    /// turn.
    /// </summary>
    /// <param name="vectors">Where to, in order.</param>
    /// <param name="count">How many vectors.</param>
    /// <param name="errno">Why nothing could be received; EAGAIN when nothing is there.</param>
    /// <returns>Number of bytes; 0 at the end of the stream; -1 with <paramref name="errno"/>.</returns>
    public abstract nint Receive(IoVec* vectors, int count, out Errno errno);

    /// <summary>Takes bytes and sends them, or as many of them as the socket has room for.</summary>
    /// <returns>Number of bytes that were taken; -1 with <paramref name="errno"/>, EAGAIN when there is no room.</returns>
    public abstract nint Send(IoVec* vectors, int count, out Errno errno);

    /// <summary>Sends what was taken before.</summary>
    /// <returns>None when all of it is in the socket; EAGAIN when there is no room.</returns>
    public virtual Errno Flush() => Errno.None;

    /// <summary>What is told of an error of <see cref="Receive"/> or <see cref="Send"/>.</summary>
    public virtual EndReason Broken(string call, Errno errno) => EndReason.Socket(call, errno);

    /// <summary>Ends the stream, if it has an end of its own, and frees what it holds. The socket is closed next.</summary>
    public virtual void Close()
    {
    }

    /// <summary>One sendmsg(2), again when a signal came.</summary>
    protected nint SendToSocket(IoVec* vectors, int count, out Errno errno)
    {
        errno = Errno.None;
        var message = new MessageHeader { Vectors = vectors, VectorCount = count };
        nint sent;
        do
        {
            sent = Libc.SendMessage(Fd, &message, LinuxConstants.MSG_DONTWAIT | LinuxConstants.MSG_NOSIGNAL);
        }
        while (sent < 0 && Libc.LastErrno == Errno.EINTR);
        if (sent < 0)
            errno = Libc.LastErrno;
        else
            SentBytes += sent;
        return sent;
    }

    /// <summary>One recvmsg(2), again when a signal came.</summary>
    protected nint ReceiveFromSocket(IoVec* vectors, int count, out Errno errno)
    {
        errno = Errno.None;
        var message = new MessageHeader { Vectors = vectors, VectorCount = count };
        nint got;
        do
        {
            got = Libc.ReceiveMessage(Fd, &message, LinuxConstants.MSG_DONTWAIT);
        }
        while (got < 0 && Libc.LastErrno == Errno.EINTR);
        if (got < 0)
            errno = Libc.LastErrno;
        return got;
    }
}
