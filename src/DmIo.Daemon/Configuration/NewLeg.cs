namespace DmIo.Daemon.Configuration;

/// <summary>A file to make when the daemon starts.</summary>
internal sealed record NewLeg(string Place, string Path, long SizeBytes);
