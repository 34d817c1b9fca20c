using System.Net;

namespace DmIo.Nbd.Sockets;

/// <summary>A socket that listens.</summary>
/// <param name="Fd">Its descriptor, which has no other owner: the runtime's own object would, at its end, remove whatever
/// lies at a Unix socket's path, and set options on a socket that others keep.</param>
/// <param name="Address">Where it listens.</param>
/// <param name="UnixPath">The path of a Unix socket; null for TCP.</param>
/// <param name="Passed">What it was passed as; null for one that was opened here.</param>
internal readonly record struct BoundSocket(int Fd, EndPoint Address, string? UnixPath, PassedSocket? Passed = null);
