using System.Net.Sockets;

namespace DmIo.Nbd.Tests;

/// <summary>Passes bytes on and keeps what was received; can send in small pieces.</summary>
internal sealed class WireTap(NetworkStream stream) : Stream
{
    private readonly MemoryStream _received = new();

    /// <summary>Sends so many bytes at a time, each seen alone by the server; 0 for all at once.</summary>
    public int PieceBytes { get; set; }

    /// <summary>Changes a byte at the end of whatever is sent.</summary>
    public bool Spoils { get; set; }

    public byte[] Received => _received.ToArray();

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get; set; }

    public override int Read(byte[] buffer, int offset, int count)
    {
        int n = stream.Read(buffer, offset, count);
        _received.Write(buffer, offset, n);
        return n;
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        if (Spoils)
            buffer[offset + count - 1] ^= 1;
        int piece = PieceBytes > 0 ? PieceBytes : count;
        for (int at = 0; at < count; at += piece)
        {
            stream.Write(buffer, offset + at, Math.Min(piece, count - at));
            if (PieceBytes > 0)
                Thread.Sleep(1);
        }
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        stream.Dispose();
        base.Dispose(disposing);
    }
}
