using Microsoft.Extensions.Logging;

namespace DmIo.Mapper;

/// <summary>What mapped devices log. Event ids 2001 to 2099 are theirs and never change their meaning.</summary>
internal static partial class MapperLog
{
    [LoggerMessage(2001, LogLevel.Information, "{Device}: {Status}")]
    public static partial void Status(ILogger logger, string device, string status);

    [LoggerMessage(2002, LogLevel.Error,
        "{Device}: leg {Leg} {Path} failed: {Operation} at sector {Sector}: {Errno}, error bits {ErrorBits}; it left "
        + "the set and comes back when it answers again")]
    public static partial void LegLeft(
        ILogger logger, string device, int leg, string path, string operation, Sectors sector, Errno errno,
        string errorBits);

    [LoggerMessage(2003, LogLevel.Error,
        "{Device}: leg {Leg} {Path} failed: {Operation} at sector {Sector}: {Errno}, error bits {ErrorBits}; it stays "
        + "in the set")]
    public static partial void LegFailed(
        ILogger logger, string device, int leg, string path, string operation, Sectors sector, Errno errno,
        string errorBits);

    [LoggerMessage(2004, LogLevel.Warning,
        "{Device}: leg {Leg} {Path} lacks {Regions} regions; they are copied to it while the volume serves")]
    public static partial void LegLacks(ILogger logger, string device, int leg, string path, long regions);

    [LoggerMessage(2005, LogLevel.Warning, "{Device}: {Finding}")]
    public static partial void Finding(ILogger logger, string device, string finding);

    [LoggerMessage(2006, LogLevel.Information, "{Device}: recovery begins, {Regions} regions")]
    public static partial void RecoveryBegins(ILogger logger, string device, long regions);

    [LoggerMessage(2007, LogLevel.Information,
        "{Device}: recovery is {Percent} % done, {Rate} MiB/s, {Seconds} s left")]
    public static partial void RecoveryProgress(ILogger logger, string device, long percent, long rate, long seconds);

    [LoggerMessage(2008, LogLevel.Information, "{Device}: leg {Leg} {Path} is in sync")]
    public static partial void LegInSync(ILogger logger, string device, int leg, string path);

    [LoggerMessage(2009, LogLevel.Error,
        "{Device}: recovery is incomplete: {Regions} regions could not be copied; it is tried again")]
    public static partial void RecoveryIncomplete(ILogger logger, string device, long regions);

    [LoggerMessage(2010, LogLevel.Error,
        "{Device}: {Path} cannot be written ({Errno}); writes that need it are not acknowledged until it can")]
    public static partial void RecordFailed(ILogger logger, string device, string path, Errno errno);

    [LoggerMessage(2011, LogLevel.Information, "{Device}: {Path} can be written again")]
    public static partial void RecordWorks(ILogger logger, string device, string path);

    [LoggerMessage(2012, LogLevel.Information,
        "{Device}: {Path} says durably what the failed legs lack; out of the set are {StaleBits}")]
    public static partial void Recorded(ILogger logger, string device, string path, string staleBits);

    [LoggerMessage(2013, LogLevel.Information, "{Device}: new mirror, what is known of it is kept in {Path}")]
    public static partial void Born(ILogger logger, string device, string path);

    [LoggerMessage(2014, LogLevel.Information,
        "{Device}: {Option} has nothing to do: {Path} says what each leg holds")]
    public static partial void OptionIgnored(ILogger logger, string device, string option, string path);

    [LoggerMessage(2015, LogLevel.Error, "{Device}: internal error in {Activity}")]
    public static partial void Bug(ILogger logger, Exception exception, string device, string activity);

    [LoggerMessage(2016, LogLevel.Warning,
        "{Device}: leg {Leg} {Path} answers again and returns to the set; it lacks {Regions} regions")]
    public static partial void LegReturned(ILogger logger, string device, int leg, string path, long regions);

    [LoggerMessage(2017, LogLevel.Warning,
        "{Device}: leg {Leg} {Path} could not be read at sector {Sector}, {Count} sectors in all; they were rewritten from "
        + "another leg and read back")]
    public static partial void Repaired(
        ILogger logger, string device, int leg, string path, Sectors sector, long count);

    [LoggerMessage(2018, LogLevel.Error, "{Device}: leg {Leg} {Path} is missing: {Reason}")]
    public static partial void LegMissing(ILogger logger, string device, int leg, string path, string reason);

    [LoggerMessage(2019, LogLevel.Error, "{Device}: the log {Path} failed, its status is {Letter}")]
    public static partial void LogFailed(ILogger logger, string device, string path, char letter);

    [LoggerMessage(2020, LogLevel.Warning,
        "{Device}: goes on without its log {Path}, since all legs are in sync; {StateFile} says so, and the next start "
        + "copies everything unless the log works again before")]
    public static partial void LogLost(ILogger logger, string device, string path, string stateFile);

    [LoggerMessage(2021, LogLevel.Information, "{Device}: the log {Path} works again")]
    public static partial void LogWorks(ILogger logger, string device, string path);

    [LoggerMessage(2022, LogLevel.Warning,
        "{Device}: the log {Path} could not be written when the mirror was last used, as {StateFile} says; everything is "
        + "copied")]
    public static partial void LogWasLost(ILogger logger, string device, string path, string stateFile);

    [LoggerMessage(2023, LogLevel.Warning,
        "{Device}: leg {Leg} {Path} has neither a worldwide name nor a serial number, so after a restart it is taken for "
        + "another disk, which holds nothing; give it a serial number, or name a mapped device upon it")]
    public static partial void LegIsAnonymous(ILogger logger, string device, int leg, string path);

    [LoggerMessage(2030, LogLevel.Information, "{Device}: a {What} of the legs begins at sector {Sector} of the mirror")]
    public static partial void ScrubBegins(ILogger logger, string device, string what, Sectors sector);

    [LoggerMessage(2031, LogLevel.Information,
        "{Device}: the {What} of the legs is {Percent} % done, {Rate} MiB/s, {Seconds} s left")]
    public static partial void ScrubProgress(
        ILogger logger, string device, string what, long percent, long rate, long seconds);

    [LoggerMessage(2032, LogLevel.Warning,
        "{Device}: legs differ at sector {Sector}, {Count} sectors: {Groups}, first at byte {FirstByte}; {Outcome}")]
    public static partial void Mismatch(
        ILogger logger, string device, Sectors sector, long count, string groups, long firstByte, ScrubOutcome outcome);

    [LoggerMessage(2033, LogLevel.Information,
        "{Device}: the {What} of the legs ended ({End}): {Differing} sectors differed, {Repaired} were repaired, "
        + "{Unreadable} could not be read")]
    public static partial void ScrubEnded(
        ILogger logger, string device, string what, ScrubEnd end, Sectors differing, Sectors repaired,
        Sectors unreadable);

    [LoggerMessage(2034, LogLevel.Warning,
        "{Device}: leg {Leg} {Path} was taken out of the set by hand and stays out until it is cleared")]
    public static partial void LegFailedByHand(ILogger logger, string device, int leg, string path);

    [LoggerMessage(2035, LogLevel.Information,
        "{Device}: what leg {Leg} {Path} has failed is forgotten, and it is looked at")]
    public static partial void LegCleared(ILogger logger, string device, int leg, string path);

    [LoggerMessage(2036, LogLevel.Warning,
        "{Device}: leg {Leg} {Path} could not be read at sector {Sector}, {Count} sectors, and could when it was asked again")]
    public static partial void ReadAgain(ILogger logger, string device, int leg, string path, Sectors sector, long count);

    [LoggerMessage(2024, LogLevel.Error,
        "{Device}: the log's device {Path} does not answer within {Seconds} s; nothing more is asked of it before it does")]
    public static partial void LogHangs(ILogger logger, string device, string path, double seconds);

    [LoggerMessage(2041, LogLevel.Information, "{Device}: dust: {What}")]
    public static partial void Dust(ILogger logger, string device, string what);

    [LoggerMessage(2042, LogLevel.Error, "{Device}: log-writes: logging to {Path} is disabled: {Reason}")]
    public static partial void WritesLogDisabled(ILogger logger, string device, string path, string reason);
}
