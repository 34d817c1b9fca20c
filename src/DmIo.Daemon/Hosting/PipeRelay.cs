using DmIo.Linux;
using static DmIo.Linux.LinuxConstants;

namespace DmIo.Daemon.Hosting;

/// <summary>
/// Carries bytes between a pair of pipes and a socket, for servers that want a socket. A copy each way is its price; each
/// way has a thread, since nothing tells of a pipe that is a file of another process's.
/// </summary>
internal sealed unsafe class PipeRelay(int input, int output, int socket)
{
    // As much as a pipe holds.
    private const int BufferBytes = 64 << 10;

    private readonly TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when all that came from the socket is in the output, or nobody reads it.</summary>
    public Task AllIsWritten => _written.Task;

    /// <summary>Begins.</summary>
    public void Start()
    {
        new Thread(Receive) { IsBackground = true, Name = "stdin" }.Start();
        new Thread(Send) { IsBackground = true, Name = "stdout" }.Start();
    }

    /// <summary>Waits no more for whoever does not read.</summary>
    public void GiveUp() => _written.TrySetResult();

    private void Receive()
    {
        Carry(input, socket);
        _ = Libc.Shutdown(socket, SHUT_WR);
    }

    private void Send()
    {
        Carry(socket, output);
        _ = Libc.Close(output);
        // A server that has more to send would wait for someone to take it, and the other way for the server.
        _ = Libc.Shutdown(socket, SHUT_RDWR);
        _written.TrySetResult();
    }

    private static void Carry(int from, int to)
    {
        byte* buffer = stackalloc byte[BufferBytes];
        while (true)
        {
            nint count = Libc.Read(from, buffer, BufferBytes);
            if (count < 0 && Libc.LastErrno == Errno.EINTR)
                continue;
            if (count <= 0)
                return;
            for (nint done = 0; done < count;)
            {
                nint n = Libc.Write(to, buffer + done, count - done);
                if (n < 0 && Libc.LastErrno != Errno.EINTR)
                    return;
                done += Math.Max(n, 0);
            }
        }
    }
}
