namespace DmIo.Daemon.Control;

/// <summary>A leg of a mirror.</summary>
/// <param name="Leg">Its number, counted from 0.</param>
/// <param name="Device">The device, as the status line shows it.</param>
/// <param name="Health">The kernel's letter: A alive, D a write failed, S sync failed, R a read failed, F a flush failed.</param>
internal sealed record LegInfo(int Leg, string Device, char Health);
