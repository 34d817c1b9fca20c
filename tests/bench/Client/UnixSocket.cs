using System.Text;
using DmIo.SideBySide.Native;

namespace DmIo.SideBySide.Client;

/// <summary>Plain blocking calls on a Unix stream socket whose waits are bounded.</summary>
internal static unsafe class UnixSocket
{
    /// <summary>How long one call may wait; long enough for a slow disk's flush, short enough to notice a hang.</summary>
    public const int StallSeconds = 30;

    private const int PathBytes = 108; // sizeof(sun_path)

    /// <summary>Connects; returns -1 if nobody listens there (yet).</summary>
    public static int TryConnect(string path)
    {
        byte* address = stackalloc byte[2 + PathBytes];
        var bytes = new Span<byte>(address, 2 + PathBytes);
        bytes.Clear();
        address[0] = Libc.AF_UNIX;
        if (Encoding.UTF8.GetByteCount(path) >= PathBytes)
        {
            Throw.Protocol($"socket path too long: {path}");
        }

        _ = Encoding.UTF8.GetBytes(path, bytes[2..]);
        int descriptor = Libc.socket(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC, 0);
        if (descriptor < 0)
        {
            Throw.Socket("socket", -1);
        }

        long* timeout = stackalloc long[2];
        timeout[0] = StallSeconds;
        timeout[1] = 0;
        _ = Libc.setsockopt(descriptor, Libc.SOL_SOCKET, Libc.SO_RCVTIMEO, timeout, 16);
        _ = Libc.setsockopt(descriptor, Libc.SOL_SOCKET, Libc.SO_SNDTIMEO, timeout, 16);
        if (Libc.connect(descriptor, address, 2 + PathBytes) == 0)
        {
            return descriptor;
        }

        _ = Libc.close(descriptor);
        return -1;
    }

    public static void Receive(int descriptor, Span<byte> target)
    {
        fixed (byte* start = target)
        {
            for (int done = 0; done < target.Length;)
            {
                nint got = Libc.recv(descriptor, start + done, (nuint)(target.Length - done), 0);
                if (got > 0)
                {
                    done += (int)got;
                }
                else if (!Interrupted(got))
                {
                    Throw.Socket("recv", got);
                }
            }
        }
    }

    public static void Send(int descriptor, ReadOnlySpan<byte> source)
    {
        fixed (byte* start = source)
        {
            IoVector vector = new() { Start = start, Length = (nuint)source.Length };
            MessageHeader message = new() { Vectors = &vector, VectorCount = 1 };
            SendAll(descriptor, &message);
        }
    }

    /// <summary>Sends all that the message's vectors hold; consumes the vectors.</summary>
    public static void SendAll(int descriptor, MessageHeader* message)
    {
        while (message->VectorCount > 0)
        {
            nint sent = Libc.sendmsg(descriptor, message, Libc.MSG_NOSIGNAL);
            if (sent < 0)
            {
                if (Interrupted(sent))
                {
                    continue;
                }

                Throw.Socket("sendmsg", sent);
            }

            nuint left = (nuint)sent;
            while (message->VectorCount > 0 && left >= message->Vectors->Length)
            {
                left -= message->Vectors->Length;
                message->Vectors++;
                message->VectorCount--;
            }

            if (message->VectorCount > 0)
            {
                message->Vectors->Start += left;
                message->Vectors->Length -= left;
            }
        }
    }

    public static bool Interrupted(nint result) =>
        result < 0 && System.Runtime.InteropServices.Marshal.GetLastPInvokeError() == Libc.EINTR;
}
