namespace DmIo;

/// <summary>How a loop waits for the kernel.</summary>
public enum LoopBackend
{
    /// <summary>io_uring where the kernel permits it, threads otherwise; the choice is logged and shown.</summary>
    Auto,

    /// <summary>io_uring, or an error.</summary>
    IoUring,

    /// <summary>epoll, and worker threads for what may wait.</summary>
    Threads,
}
