namespace DmIo.Daemon.Hosting;

/// <summary>What people are told of an export.</summary>
internal sealed record AnnouncedExport(string Name, Sectors Length, bool ReadOnly, bool Tls);
