namespace DmIo.Daemon.Control;

/// <summary>A mirror's regions in a few cells, each as the most remarkable of its regions.</summary>
/// <param name="Cells">inSync, dirty, outOfSync or copying.</param>
internal sealed record RegionMapInfo(IReadOnlyList<string> Cells);
