using System.Collections.Immutable;

namespace DmIo.Daemon.Hosting;

/// <summary>Devices that must live on one loop, since they stand on each other or on a common file.</summary>
/// <param name="Loop">Where they live.</param>
/// <param name="Devices">The mapped devices, each behind those that it stands on.</param>
/// <param name="All">These and the files and disks beneath.</param>
/// <param name="Hold">Why it cannot be moved to another loop, and what to do about that; null when it can.</param>
internal sealed record DeviceStack(
    int Loop, ImmutableArray<RunningDevice> Devices, IReadOnlySet<BlockDevice> All, (string Reason, string Remedy)? Hold);
