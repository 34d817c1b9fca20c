namespace DmIo.Nbd;

/// <summary>Who may connect to a Unix socket: the rights of its file. Connecting takes the right to write.</summary>
/// <param name="Mode">The file's mode; null for what the process's umask leaves of 0777.</param>
/// <param name="GroupId">The number of the file's group; null for the process's own.</param>
public sealed record UnixSocketAccess(UnixFileMode? Mode, uint? GroupId);
