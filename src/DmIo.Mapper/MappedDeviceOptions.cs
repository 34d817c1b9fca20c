using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace DmIo.Mapper;

/// <summary>What a mapped device needs to know beside its table.</summary>
public sealed record MappedDeviceOptions
{
    /// <summary>The directory of the mirrors' state files; made if it is missing.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>
    /// The leg (counted from 0, as in the error bits) that is right: at birth it is copied to all others; later only where
    /// legs may differ, or where the record cannot say who is right.
    /// </summary>
    public int? SyncFrom { get; init; }

    /// <summary>Go on with <see cref="SyncFrom"/> although it lacks data that other legs hold: that data is given up.</summary>
    public bool Force { get; init; }

    /// <summary>How mirrors behave.</summary>
    public MirrorOptions Mirror { get; init; } = new();

    /// <summary>At birth, take the legs as identical. Ignored once there is a state file.</summary>
    public bool AssumeClean { get; init; }

    /// <summary>All legs were created just now and have never been written: a mirror of them is in sync.</summary>
    public bool LegsAreFresh { get; init; }

    /// <summary>
    /// A mirror may be longer than its record says, if all its legs are in sync: what is new is made alike.
    /// </summary>
    public bool Grows { get; init; }

    /// <summary>Where the device tells what happens to it.</summary>
    public EventRing? Events { get; init; }

    /// <summary>Where the device logs.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    /// <inheritdoc cref="Target.Carried"/>
    internal IReadOnlyList<CarriedLeg> Carried { get; init; } = [];

    /// <inheritdoc cref="Target.HasUnwritten"/>
    internal bool IsUnwritten { get; init; }

    /// <inheritdoc cref="Target.State"/>
    internal IReadOnlyList<object?> TargetStates { get; init; } = [];

    // Tests and simulations put stores, identities and sizes of their own here.
    internal Func<IoLoop, string, IStateStore> OpenStore { get; init; } =
        (loop, path) => new FileStateStore(loop, path);

    internal Func<BlockDevice, string, LegIdentity> Identify { get; init; } = LegIdentity.Of;

    internal Func<IoLoop, string, long, BlockDevice> OpenSidecar { get; init; } = SidecarFile.Open;

    /// <summary>How much recovery copies at once; a power of two.</summary>
    internal Sectors CopyChunk { get; init; } = MirrorRecovery.DefaultChunk;

    internal Func<Guid> NewVolumeId { get; init; } = Guid.NewGuid;

    /// <summary>The dice of flakey targets.</summary>
    internal Func<Random> NewRandom { get; init; } = () => new Random();

    internal Func<RegionLog, LegSet, RegionLog> WrapLog { get; init; } = (log, _) => log;

    internal EngineFaults Faults { get; init; }
}
