using DmIo.Linux;
using Microsoft.Extensions.Logging;

namespace DmIo.Nbd.Sockets;

/// <summary>
/// Accepts what waits at a listening socket. Errors come in tiers: the client's own are passed over, a want of
/// resources is waited out, anything else ends the listening.
/// </summary>
internal sealed unsafe class AcceptWatch : FdWatch
{
    // Long enough that a lasting want of descriptors costs nothing, short enough that nobody notices a brief one.
    private const int BackOffMs = 200;

    // Errors of accept4(2) that the stack below has no use for.
    private const Errno ENFILE = (Errno)23;
    private const Errno EMFILE = (Errno)24;
    private const Errno ECONNABORTED = (Errno)103;
    private const Errno ENOBUFS = (Errno)105;
    private const Errno EPROTO = (Errno)71;

    private readonly KernelLoop _loop;
    private readonly string _name;
    private readonly ILogger _logger;
    private readonly Action<int, SocketPeer> _accepted;
    private readonly ITimer _retry;
    private bool _isClosed;

    public AcceptWatch(KernelLoop loop, int fd, string name, ILogger logger, Action<int, SocketPeer> accepted)
        : base(fd)
    {
        _loop = loop;
        _name = name;
        _logger = logger;
        _accepted = accepted;
        _retry = loop.Time.CreateTimer(_ => OnReadable(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Close()
    {
        _isClosed = true;
        _retry.Dispose();
    }

    protected override void OnReadable()
    {
        while (!_isClosed && AcceptOne())
        {
        }
    }

    protected override void OnWritable()
    {
    }

    private bool AcceptOne()
    {
        byte* address = stackalloc byte[SocketCalls.AddressBytes];
        uint length = SocketCalls.AddressBytes;
        int fd = Libc.Accept(
            Fd, address, &length, LinuxConstants.SOCK_NONBLOCK | LinuxConstants.SOCK_CLOEXEC);
        if (fd >= 0)
        {
            _accepted(fd, SocketCalls.PeerOf(fd, new ReadOnlySpan<byte>(address, (int)length)));
            return true;
        }
        Errno errno = Libc.LastErrno;
        switch (errno)
        {
            case Errno.EAGAIN:
                return false;
            case Errno.EINTR or ECONNABORTED or EPROTO or Errno.EPERM or Errno.ETIMEDOUT:
                return true;
            case EMFILE or ENFILE or ENOBUFS or Errno.ENOMEM:
                _logger.AcceptBacksOff(_name, Libc.Describe(errno), BackOffMs);
                _retry.Change(TimeSpan.FromMilliseconds(BackOffMs), Timeout.InfiniteTimeSpan);
                return false;
            default:
                _logger.AcceptFailed(_name, Libc.Describe(errno));
                _loop.Unwatch(this);
                return false;
        }
    }
}
