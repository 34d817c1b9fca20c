namespace DmIo.Daemon.Configuration;

/// <summary>An export and the loop on which its device lives.</summary>
internal sealed record CheckedExport(ExportConfiguration Source, int Loop);
