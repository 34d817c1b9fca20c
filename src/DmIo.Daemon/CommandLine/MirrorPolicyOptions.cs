using System.CommandLine;

namespace DmIo.Daemon.CommandLine;

/// <summary>The options that say how a mirror behaves, as a configuration file's section <c>mirror</c> does.</summary>
internal sealed class MirrorPolicyOptions
{
    public Option<string> CleanAfter { get; } =
        ServeOptions.Text(
            "--clean-after", "SECONDS", "How long a region is idle before the log says that it is clean [default: 5]");

    public Option<string> RecoveryRate { get; } =
        ServeOptions.Text("--recovery-rate", "SIZE", "The most bytes per second that recovery copies [default: 0, no limit]");

    public Option<string> RecoveryBusyRate { get; } =
        ServeOptions.Text(
            "--recovery-busy-rate", "SIZE", "The same while clients are at work; 0 is no limit [default: 64M]");

    public Option<bool> NoRecovery { get; } =
        ServeOptions.Flag("--no-recovery", "Neither bring back legs that failed nor copy what legs lack");

    public Option<string> Prefer { get; } =
        ServeOptions.Text("--prefer", "LEG", "Read from this leg where it can serve [default: the least busy]");

    public Option<string[]> WriteMostly { get; } =
        ServeOptions.Texts("--write-mostly", "LEG", "Read from this leg only when no other can serve; repeatable");

    public Option<string> ReadErrorLimit { get; } =
        ServeOptions.Text(
            "--read-error-limit", "N", "How many read errors, halved every hour, a leg may have [default: 20]");

    public Option<string> HoldFailedWrites { get; } =
        ServeOptions.Text(
            "--hold-failed-writes", "SECONDS", "How long a write that a leg failed waits for the leg [default: 0]");

    public Option<string> WriteQuorum { get; } =
        ServeOptions.Text(
            "--write-quorum", "N", "Answer a write when so many legs have it; flushes wait for all [default: all]");

    public Option<string> LegDeadline { get; } =
        ServeOptions.Text(
            "--leg-deadline", "SECONDS", "How long a leg may take before it leaves; 0 is for ever [default: 30]");

    public Option<string> WhenUnrecorded { get; } =
        ServeOptions.Text(
            "--when-unrecorded", "WHAT",
            "What becomes of writes that need a log that cannot be written: fail or hold [default: fail]");

    /// <summary>All of them, in the order in which the help shows them.</summary>
    public IReadOnlyList<Option> All =>
    [
        CleanAfter, RecoveryRate, RecoveryBusyRate, NoRecovery, Prefer, WriteMostly, ReadErrorLimit, HoldFailedWrites,
        WriteQuorum, LegDeadline, WhenUnrecorded,
    ];
}
