using System.Buffers.Binary;
using System.Net.Sockets;

namespace DmIo.Daemon.Tests;

/// <summary>
/// Writes whose every sector tells which block and which version it is, and the knowledge of which versions were
/// acknowledged: after any crash a leg must hold, sector by sector, a version from the last acknowledged one to the
/// last one sent. Each connection has blocks of its own, so the versions of a block have an order. It goes on over any
/// number of the server's lives; what clients have once read they must never read older.
/// </summary>
/// <param name="seed">Decides all that is sent.</param>
/// <param name="volumeBytes">The volume's size.</param>
/// <param name="connections">How many clients there are.</param>
/// <param name="depth">How many requests each has under way.</param>
/// <param name="reconnects">Whether clients whose server is gone go on with the next one; at a socket that is kept.</param>
public sealed class StampedLoad(int seed, long volumeBytes, int connections, int depth, bool reconnects = false)
{
    private const int BlockBytes = 4096;
    private const int SectorBytes = 512;
    private const int BlocksPerWrite = 16;
    private const ulong Magic = 0x4d494f4e42445354;

    private readonly long[] _sent = new long[volumeBytes / BlockBytes];
    private readonly long[] _acknowledged = new long[volumeBytes / BlockBytes];
    private readonly long[] _seen = new long[volumeBytes / SectorBytes];
    private readonly long[] _versions = new long[connections];
    private readonly List<string> _failures = [];
    private int _life;
    private volatile bool _finishes;
    private long _replies;
    private long _flushes;
    private long _refused;
    private long _reconnections;

    /// <summary>Writes acknowledged so far.</summary>
    public long Acknowledged => Interlocked.Read(ref _replies);

    public long Flushes => Interlocked.Read(ref _flushes);

    /// <summary>Requests that were answered ESHUTDOWN.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>How often a client went on with another server.</summary>
    public long Reconnections => Interlocked.Read(ref _reconnections);

    /// <summary>What went wrong beside the expected end.</summary>
    public IReadOnlyList<string> Failures => _failures;

    /// <summary>Sends no more; each connection ends when all that it sent is answered.</summary>
    public void Finish() => _finishes = true;

    /// <summary>Starts the connections; each ends when the server ends it, or after <see cref="Finish"/>.</summary>
    public Thread[] Start(string socket)
    {
        var threads = new Thread[connections];
        _life++;
        _finishes = false;
        for (int i = 0; i < connections; i++)
        {
            int connection = i;
            threads[i] = new Thread(() => Run(socket, connection));
            threads[i].Start();
        }
        return threads;
    }

    /// <summary>Everything that is wrong with what a leg holds.</summary>
    public List<string> Check(string leg)
    {
        var wrong = new List<string>();
        using FileStream file = OpenUnlocked(leg);
        byte[] bytes = new byte[BlockBytes];
        for (long block = 0; block < _sent.Length; block++)
        {
            if (_sent[block] == 0)
                continue;
            file.Position = block * BlockBytes;
            file.ReadExactly(bytes);
            CheckBlock(leg, bytes, block, isClient: false, wrong);
        }
        return wrong;
    }

    /// <summary>
    /// Everything that is wrong with what a client reads, while no load runs. What it has seen stays: a write that nobody
    /// acknowledged may be there or not, but not come and go.
    /// </summary>
    public List<string> CheckVolume(string socket)
    {
        const int BlocksPerRead = 256;
        var wrong = new List<string>();
        using NbdClient client = NbdClient.Connect(socket);
        for (long first = 0; first < _sent.Length; first += BlocksPerRead)
        {
            int count = (int)Math.Min(BlocksPerRead, _sent.Length - first);
            uint error = client.ReadAt(first * BlockBytes, count * BlockBytes, out byte[] bytes);
            if (error != 0)
            {
                wrong.Add($"blocks {first} to {first + count - 1}: error {error}");
                continue;
            }
            for (int i = 0; i < count; i++)
            {
                if (_sent[first + i] != 0)
                    CheckBlock("client", bytes.AsSpan(i * BlockBytes, BlockBytes), first + i, isClient: true, wrong);
            }
        }
        return wrong;
    }

    private void CheckBlock(string where, ReadOnlySpan<byte> bytes, long block, bool isClient, List<string> wrong)
    {
        for (int at = 0; at < BlockBytes; at += SectorBytes)
        {
            long version = VersionOf(bytes.Slice(at, SectorBytes), block, at);
            ref long seen = ref _seen[(block * BlockBytes + at) / SectorBytes];
            if (version < _acknowledged[block] || version > _sent[block] || (isClient && version < seen))
            {
                wrong.Add($"{where}: block {block}, sector {at / SectorBytes}: version {version}, acknowledged "
                    + $"{_acknowledged[block]}, seen {seen}, sent {_sent[block]}");
            }
            if (isClient)
                seen = Math.Max(seen, version);
        }
    }

    // A killed process holds its files until the kernel has finished its last requests.
    private static FileStream OpenUnlocked(string path)
    {
        FileStream? file = null;
        Deadline.WaitFor(
            () =>
            {
                try
                {
                    file = File.OpenRead(path);
                    return true;
                }
                catch (IOException)
                {
                    return false;
                }
            },
            $"{path} is let go of");
        return file!;
    }

    private void Run(string socket, int connection)
    {
        var random = new Random((seed * 31 + connection) * 1009 + _life);
        var pending = new Dictionary<ulong, (long Block, int Count, long Version)>();
        do
        {
            pending.Clear();
            RunOnce(socket, connection, random, pending);
        }
        while (reconnects && !_finishes && _failures.Count == 0);
    }

    private void RunOnce(
        string socket, int connection, Random random, Dictionary<ulong, (long Block, int Count, long Version)> pending)
    {
        long zone = _sent.Length / connections;
        ref long version = ref _versions[connection];
        try
        {
            using NbdClient client = NbdClient.Connect(socket);
            while (true)
            {
                while (pending.Count < depth && !_finishes)
                {
                    int dice = random.Next(32);
                    if (dice == 0)
                    {
                        pending.Add(client.Send(NbdClient.Flush, 0, 0, 0), (0, 0, 0));
                        continue;
                    }
                    int count = random.Next(1, BlocksPerWrite + 1);
                    long block = connection * zone + random.NextInt64(zone - count);
                    version++;
                    byte[] data = Stamped(block, count, version);
                    for (long b = block; b < block + count; b++)
                        _sent[b] = version;
                    ushort flags = dice == 1 ? NbdClient.Fua : (ushort)0;
                    ulong sent = client.Send(NbdClient.Write, flags, block * BlockBytes, (uint)data.Length, data);
                    pending.Add(sent, (block, count, version));
                }
                if (pending.Count == 0)
                    return;
                (ulong cookie, uint error) = client.Receive();
                (long first, int blocks, long written) = pending[cookie];
                pending.Remove(cookie);
                if (error == NbdClient.ESHUTDOWN)
                {
                    Interlocked.Increment(ref _refused);
                    continue;
                }
                if (error != 0)
                    Fail($"connection {connection}: error {error} at block {first}");
                else if (blocks == 0)
                    Interlocked.Increment(ref _flushes);
                else
                    Acknowledge(first, blocks, written);
            }
        }
        catch (SocketException e) when (reconnects && e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            Fail($"connection {connection}: {e.Message}, although the socket was to be kept");
        }
        catch (Exception e) when (e is SocketException or EndOfStreamException)
        {
            // The server is gone, which is what the test is about.
            Interlocked.Increment(ref _reconnections);
        }
        catch (Exception e)
        {
            Fail($"connection {connection}: {e}");
        }
    }

    private void Acknowledge(long block, int count, long version)
    {
        for (long b = block; b < block + count; b++)
            _acknowledged[b] = Math.Max(_acknowledged[b], version);
        Interlocked.Increment(ref _replies);
    }

    private void Fail(string failure)
    {
        lock (_failures)
            _failures.Add(failure);
    }

    private byte[] Stamped(long block, int count, long version)
    {
        byte[] data = new byte[count * BlockBytes];
        for (int i = 0; i < data.Length; i += SectorBytes)
            Stamp(data.AsSpan(i, SectorBytes), block + i / BlockBytes, i % BlockBytes, version);
        return data;
    }

    private void Stamp(Span<byte> sector, long block, int at, long version)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(sector, Magic + (ulong)seed);
        BinaryPrimitives.WriteInt64LittleEndian(sector[8..], block);
        BinaryPrimitives.WriteInt64LittleEndian(sector[16..], version);
        ulong word = (ulong)(block * 1_000_003 + at + version * 65_537 + seed);
        for (int i = 24; i < SectorBytes; i += 8)
        {
            word = word * 6364136223846793005 + 1442695040888963407;
            BinaryPrimitives.WriteUInt64LittleEndian(sector[i..], word);
        }
    }

    /// <summary>The version that a sector holds, 0 for one never written, -1 for anything else.</summary>
    private long VersionOf(ReadOnlySpan<byte> sector, long block, int at)
    {
        if (sector.IndexOfAnyExcept((byte)0) < 0)
            return 0;
        long version = BinaryPrimitives.ReadInt64LittleEndian(sector[16..]);
        Span<byte> expected = stackalloc byte[SectorBytes];
        Stamp(expected, block, at, version);
        return sector.SequenceEqual(expected) ? version : -1;
    }
}
