namespace DmIo.Nbd.Transmission;

/// <summary>
/// The connections to one export whose clients have closed their sending side: over TCP, one that waits for its replies
/// and one that is gone look alike. In the order of their closing; on the export's loop.
/// </summary>
internal sealed class HalfClosedConnections
{
    private readonly List<NbdConnection> _connections = [];

    public void Add(NbdConnection connection) => _connections.Add(connection);

    public void Remove(NbdConnection connection) => _connections.Remove(connection);

    /// <summary>
    /// A client asks for something: what those that had closed before it have not started never starts. One of them
    /// overtakes only those that closed before itself.
    /// </summary>
    public void OvertakenBy(NbdConnection asking)
    {
        while (_connections.Count > 0 && _connections[0] != asking)
        {
            NbdConnection overtaken = _connections[0];
            _connections.RemoveAt(0);
            overtaken.Overtaken();
        }
    }
}
