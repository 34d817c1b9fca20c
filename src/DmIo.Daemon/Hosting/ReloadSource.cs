using DmIo.Daemon.Configuration;

namespace DmIo.Daemon.Hosting;

/// <summary>What can be read again while serving.</summary>
/// <param name="File">The configuration file as it was named; null when there is none.</param>
/// <param name="Read">
/// Reads it, and lets the options that describe the process win over it; null, and mistakes, when it is no configuration.
/// </param>
internal sealed record ReloadSource(string? File, Func<Mistakes, ServeConfiguration?> Read);
