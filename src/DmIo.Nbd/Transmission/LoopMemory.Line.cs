namespace DmIo.Nbd.Transmission;

/// <content>
/// The line of connections that wait for a request, for memory or for a chunk, in the order of coming; whoever is not in it
/// goes to its end. A place in it is good for one request.
/// </content>
internal sealed unsafe partial class LoopMemory
{
    private readonly Queue<NbdConnection> _line = new();
    private readonly Step _serveLine;

    // Those at the front of the line that want a chunk. They come first, but when chunks have taken all that is theirs: then
    // one comes back only when requests that lie in chunks are started, so who has some does not wait behind them.
    private readonly Queue<NbdConnection> _receivers = new();
    private NbdConnection? _head;
    private NbdConnection? _served;
    private int _chunkCount;

    /// <summary>Connections that stand in line.</summary>
    public int Waiting => _receivers.Count + (_head is null ? 0 : 1) + _line.Count;

    private bool HasRoomForChunk => _pool.RentedBytes + ReceiveChunk.SizeBytes <= _chunkLimitBytes;

    private bool IsLineEmpty => _head is null && _line.Count == 0;

    private bool ReceiversComeFirst =>
        _receivers.Count > 0 && (_chunkCount + 1L) * ReceiveChunk.SizeBytes <= _chunkLimitBytes;

    /// <summary>A connection has started what it stood in line for; if it wants more it queues up again.</summary>
    public void Served(NbdConnection connection)
    {
        if (_served == connection)
            _served = null;
    }

    /// <summary>Something has come back that others may wait for.</summary>
    public void ServeLineLater()
    {
        if (Waiting > 0)
            _serveLine.Ready(_loop);
    }

    private bool MustWait(NbdConnection connection) =>
        _served != connection && (!IsLineEmpty || ReceiversComeFirst);

    private bool MustWaitToReceive(NbdConnection connection) => _served != connection && Waiting > 0;

    private void Wait(NbdConnection connection, bool toReceive)
    {
        if (connection.WaitsForMemory)
            return;
        connection.WaitsForMemory = true;
        ScheduleSweep();
        bool isFirst = _served == connection || IsLineEmpty;
        if (toReceive && isFirst)
            _receivers.Enqueue(connection);
        else if (_served == connection && _head is null)
            _head = connection;
        else
            _line.Enqueue(connection);
    }

    private void ServeLine()
    {
        for (int left = _receivers.Count; left > 0 && (HasRoomForChunk || !ReceiversComeFirst); left--)
            Serve(_receivers.Dequeue());
        for (int left = Waiting; !IsLineEmpty && !ReceiversComeFirst; left--)
        {
            if (left == 0)
            {
                // Refused requests are done at once: the loop has others to serve.
                _serveLine.AtBatchEnd(_loop);
                return;
            }
            NbdConnection next = _head ?? _line.Dequeue();
            _head = null;
            Serve(next);
            if (_head is not null)
                return;
        }
    }

    private void Serve(NbdConnection connection)
    {
        _served = connection;
        connection.WaitsForMemory = false;
        connection.MemoryReturned();
        _served = null;
    }
}
