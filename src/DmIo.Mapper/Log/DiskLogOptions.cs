using Microsoft.Extensions.Logging;

namespace DmIo.Mapper;

/// <summary>What a disk log needs beside its device.</summary>
/// <param name="Name">The volume's name, for messages.</param>
/// <param name="Sync">What the table says; it counts for a log without a record alone.</param>
/// <param name="OpenSidecar">Opens the file for the record's bitmaps, that many bytes long, where the device is too short.</param>
/// <param name="Store">The state file, written only when the log device fails.</param>
/// <param name="File">What that file says.</param>
/// <param name="Deadline">How long the log device, and the record's file, may take for an operation; zero: for ever.</param>
/// <param name="RetryAfter">How long after a failure the log device is tried again.</param>
/// <param name="Logger">Where it logs.</param>
internal sealed record DiskLogOptions(
    string Name, MirrorSync Sync, Func<long, BlockDevice> OpenSidecar, IStateStore Store,
    MirrorStateFile File, TimeSpan Deadline, TimeSpan RetryAfter, ILogger Logger)
{
    /// <summary>Told when the log device fails and works again.</summary>
    public required Action<VolumeEventKind, EventDetails> Tell { get; init; }

    /// <inheritdoc cref="EngineFaults.AnchorBeforeBitmaps"/>
    public bool AnchorFirst { get; init; }

    /// <inheritdoc cref="EngineFaults.WritesOverLateLog"/>
    public bool WritesOverLate { get; init; }
}
