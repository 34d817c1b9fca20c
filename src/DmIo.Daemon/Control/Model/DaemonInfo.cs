namespace DmIo.Daemon.Control;

/// <summary>The daemon itself.</summary>
/// <param name="Version">The program's version.</param>
/// <param name="ProcessId">Its process.</param>
/// <param name="Backend">How device I/O is done: io_uring or threads.</param>
/// <param name="Loops">How many loops there are.</param>
/// <param name="Listeners">Where clients are let in.</param>
/// <param name="RefusedConnections">Those that were closed as soon as they came.</param>
internal sealed record DaemonInfo(
    string Version, int ProcessId, string Backend, int Loops, IReadOnlyList<string> Listeners,
    RefusedConnectionsInfo RefusedConnections);
