namespace DmIo;

/// <summary>Interest in a file descriptor's readiness, on one loop.</summary>
public abstract class FdWatch
{
    /// <summary>Watches <paramref name="fd"/>, which stays the maker's to close, after unwatching.</summary>
    protected FdWatch(int fd) => Fd = fd;

    /// <summary>The descriptor.</summary>
    public int Fd { get; }

    internal ulong Key { get; set; }

    /// <summary>
    /// Runs on the loop when the descriptor became readable, or its peer hung up. Readiness is told by edges: once told,
    /// read until EAGAIN or the end of the stream, or come back through the ready list. (A short read says that there was
    /// no more data, but an end that came with the data is told once only.)
    /// </summary>
    protected internal abstract void OnReadable();

    /// <summary>
    /// Runs on the loop, before the others, when the peer has closed its sending side, or when nothing can be sent to it
    /// any more. Told again with whatever happens afterwards.
    /// </summary>
    /// <param name="isGone">Whether it is the latter: what it left behind can still be read, but nobody waits.</param>
    protected internal virtual void OnHangUp(bool isGone)
    {
    }

    /// <summary>Runs on the loop once after <see cref="KernelLoop.WatchWritable"/>, when there is room to write.</summary>
    protected internal abstract void OnWritable();
}
