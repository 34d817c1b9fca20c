using System.Diagnostics;
using DmIo.SideBySide.Native;

namespace DmIo.SideBySide.Client;

/// <summary>Drives all connections of a workload from the calling thread, without allocating.</summary>
internal sealed unsafe class BatchingClient : IDisposable
{
    private readonly Connection[] _connections;
    private readonly Workload _workload;

    public BatchingClient(string path, string export, Workload workload, ulong seed)
    {
        _workload = workload;
        _connections = new Connection[workload.Connections];
        try
        {
            for (int i = 0; i < _connections.Length; i++)
            {
                NegotiatedSocket socket = Handshake.Open(path, export, workload.Structured);
                _connections[i] = new Connection(socket, workload, seed + (ulong)i * 0x9E3779B97F4A7C15);
                Require(socket.Flags);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Keeps the load up for the given time, then lets what is in flight finish.</summary>
    public LoadResult Run(int durationMs)
    {
        double cpuBefore = Libc.ThreadCpuSeconds();
        long start = Stopwatch.GetTimestamp();
        long deadline = start + durationMs * Stopwatch.Frequency / 1000;
        foreach (Connection connection in _connections)
        {
            connection.Submit(_workload.Depth);
        }

        long inTime = _connections.Length == 1 ? RunOne(_connections[0], deadline) : RunMany(deadline);
        double elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
        double busy = (Libc.ThreadCpuSeconds() - cpuBefore) / elapsed;
        long total = inTime;
        foreach (Connection connection in _connections)
        {
            while (connection.InFlight > 0)
            {
                total += connection.Receive();
            }
        }

        return new LoadResult(inTime / elapsed, total, busy);
    }

    public void Dispose()
    {
        foreach (Connection? connection in _connections)
        {
            connection?.Dispose();
        }
    }

    private static long RunOne(Connection connection, long deadline)
    {
        long done = 0;
        while (true)
        {
            int completed = connection.Receive();
            done += completed;
            if (Stopwatch.GetTimestamp() >= deadline)
            {
                return done;
            }

            if (completed > 0)
            {
                connection.Submit(completed);
            }
        }
    }

    private long RunMany(long deadline)
    {
        const int maximumConnections = 16;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_connections.Length, maximumConnections);
        PollEntry* entries = stackalloc PollEntry[maximumConnections];
        for (int i = 0; i < _connections.Length; i++)
        {
            entries[i] = new PollEntry { Descriptor = _connections[i].Descriptor, Events = Libc.POLLIN };
        }

        long done = 0;
        while (true)
        {
            int ready = Libc.poll(entries, (nuint)_connections.Length, UnixSocket.StallSeconds * 1000);
            if (ready == 0)
            {
                Throw.Protocol($"no reply for {UnixSocket.StallSeconds} s");
            }

            bool over = Stopwatch.GetTimestamp() >= deadline;
            for (int i = 0; i < _connections.Length && ready > 0; i++)
            {
                if (entries[i].Returned == 0)
                {
                    continue;
                }

                int completed = _connections[i].Receive();
                done += completed;
                if (completed > 0 && !over)
                {
                    _connections[i].Submit(completed);
                }
            }

            if (over)
            {
                return done;
            }
        }
    }

    private void Require(ushort flags)
    {
        if (_workload.HasPayload && (flags & Wire.FLAG_READ_ONLY) != 0)
        {
            Throw.Protocol("the export is read-only");
        }

        if (_workload.Operation == Operation.DurableWrite && (flags & Wire.FLAG_SEND_FUA) == 0)
        {
            Throw.Protocol("the export has no FUA");
        }

        if (_workload.Operation == Operation.Flush && (flags & Wire.FLAG_SEND_FLUSH) == 0)
        {
            Throw.Protocol("the export has no FLUSH");
        }
    }
}
