using Microsoft.Extensions.Logging;

namespace DmIo.Mapper;

/// <summary>What mapped devices log. Event ids 2001 to 2099 are theirs and never change their meaning.</summary>
internal static partial class MapperLog
{
    [LoggerMessage(2001, LogLevel.Information, "{Device}: {Status}")]
    public static partial void Status(ILogger logger, string device, string status);

    [LoggerMessage(2002, LogLevel.Error,
        "{Device}: leg {Leg} {Path} failed: {Operation} at sector {Sector}: {Errno}, error bits {ErrorBits}; it left "
        + "the set and comes back by a start with --sync-from {Source}")]
    public static partial void LegLeft(
        ILogger logger, string device, int leg, string path, string operation, Sectors sector, Errno errno,
        string errorBits, int source);

    [LoggerMessage(2003, LogLevel.Error,
        "{Device}: leg {Leg} {Path} failed: {Operation} at sector {Sector}: {Errno}, error bits {ErrorBits}; it stays "
        + "in the set")]
    public static partial void LegFailed(
        ILogger logger, string device, int leg, string path, string operation, Sectors sector, Errno errno,
        string errorBits);

    [LoggerMessage(2004, LogLevel.Warning,
        "{Device}: leg {Leg} {Path} is stale and is neither read nor written ({Reason}); start with --sync-from "
        + "{Source} to bring it back by a full copy")]
    public static partial void LegStale(ILogger logger, string device, int leg, string path, string reason, int source);

    [LoggerMessage(2005, LogLevel.Warning,
        "{Device}: was not stopped cleanly, so legs may differ where writes were in flight; all reads come from leg "
        + "{Source} until a full copy from it is done")]
    public static partial void Unclean(ILogger logger, string device, int source);

    [LoggerMessage(2006, LogLevel.Information, "{Device}: full copy of leg {Source} {Path} begins, {Regions} regions")]
    public static partial void CopyBegins(ILogger logger, string device, int source, string path, long regions);

    [LoggerMessage(2007, LogLevel.Information, "{Device}: full copy of leg {Source}: {Percent} % done")]
    public static partial void CopyProgress(ILogger logger, string device, int source, long percent);

    [LoggerMessage(2008, LogLevel.Information, "{Device}: leg {Leg} {Path} is in sync")]
    public static partial void LegInSync(ILogger logger, string device, int leg, string path);

    [LoggerMessage(2009, LogLevel.Error,
        "{Device}: full copy of leg {Source} is incomplete: {Regions} regions were not copied; legs that lack them "
        + "stay out of sync, the next start copies again")]
    public static partial void CopyIncomplete(ILogger logger, string device, int source, long regions);

    [LoggerMessage(2010, LogLevel.Error,
        "{Device}: the state file {Path} cannot be written ({Errno}); writes that some leg lacks are answered EIO "
        + "until it can")]
    public static partial void RecordFailed(ILogger logger, string device, string path, Errno errno);

    [LoggerMessage(2011, LogLevel.Information, "{Device}: the state file {Path} can be written again")]
    public static partial void RecordWorks(ILogger logger, string device, string path);

    [LoggerMessage(2012, LogLevel.Information,
        "{Device}: the state file {Path} names the failed legs durably; stale are {StaleBits}")]
    public static partial void Recorded(ILogger logger, string device, string path, string staleBits);

    [LoggerMessage(2013, LogLevel.Information, "{Device}: new mirror, its state file is {Path}")]
    public static partial void Born(ILogger logger, string device, string path);

    [LoggerMessage(2014, LogLevel.Information,
        "{Device}: {Option} has nothing to do: the state file {Path} says that the legs are in sync")]
    public static partial void OptionIgnored(ILogger logger, string device, string option, string path);

    [LoggerMessage(2015, LogLevel.Error, "{Device}: internal error in {Activity}")]
    public static partial void Bug(ILogger logger, Exception exception, string device, string activity);
}
