using System.Runtime.InteropServices;

namespace DmIo.Linux;

/// <summary>
/// A counting semaphore straight on futex(2): of the ways to wake a worker thread this one cost least, with the
/// framework's own between two and three times as long (see Loops/README.md: loop shapes).
/// </summary>
internal sealed unsafe class FutexSemaphore : IDisposable
{
    private int* _count = (int*)NativeMemory.AllocZeroed(sizeof(int));

    public void Release()
    {
        Interlocked.Increment(ref *_count);
        _ = Libc.SystemCall(
            LinuxConstants.SYS_futex, (nint)_count, LinuxConstants.FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
    }

    public void Wait()
    {
        while (true)
        {
            int seen = Volatile.Read(ref *_count);
            if (seen == 0)
            {
                _ = Libc.SystemCall(
                    LinuxConstants.SYS_futex, (nint)_count, LinuxConstants.FUTEX_WAIT_PRIVATE, 0, 0, 0, 0);
            }
            else if (Interlocked.CompareExchange(ref *_count, seen - 1, seen) == seen)
            {
                return;
            }
        }
    }

    public void Dispose()
    {
        NativeMemory.Free(_count);
        _count = null;
    }
}
