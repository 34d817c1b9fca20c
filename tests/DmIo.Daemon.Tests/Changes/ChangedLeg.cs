namespace DmIo.Daemon.Tests;

/// <summary>A leg: its device as the table has it, and the file beneath.</summary>
public sealed record ChangedLeg(string Device, string File);
