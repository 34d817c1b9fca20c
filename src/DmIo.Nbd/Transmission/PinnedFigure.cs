namespace DmIo.Nbd.Transmission;

/// <summary>Bytes of all loops that were answered for and are still in use by a device; may be read from any thread.</summary>
internal sealed class PinnedFigure
{
    private long _bytes;
    private long _mostBytes;

    public long Bytes => Volatile.Read(ref _bytes);

    public long MostBytes => Volatile.Read(ref _mostBytes);

    public void Add(long bytes)
    {
        long now = Interlocked.Add(ref _bytes, bytes);
        long most = MostBytes;
        while (now > most)
            most = Interlocked.CompareExchange(ref _mostBytes, now, most);
    }
}
