namespace DmIo.Daemon.Control;

/// <summary>A mirror's log device.</summary>
/// <param name="Device">The device, as the status line shows it.</param>
/// <param name="Health">A alive, F a flush failed, D dead.</param>
internal sealed record LogInfo(string Device, char Health);
