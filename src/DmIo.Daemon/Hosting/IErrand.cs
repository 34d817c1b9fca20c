using DmIo.Daemon.Configuration;

namespace DmIo.Daemon.Hosting;

/// <summary>
/// What a daemon serves for that is not there for everyone: it begins when the volumes are served, and the daemon ends with
/// it.
/// </summary>
internal interface IErrand : IDisposable
{
    /// <summary>The option that asks for it.</summary>
    string Option { get; }

    /// <summary>The configuration with the listeners that the errand wants.</summary>
    CheckedConfiguration Prepare(CheckedConfiguration configuration);

    /// <summary>Does it.</summary>
    /// <returns>The process's exit status, if all goes well otherwise.</returns>
    /// <exception cref="StartException">It cannot begin.</exception>
    Task<int> RunAsync(RunningVolumes volumes);

    /// <summary>Asks it to end, because the daemon is to; returns when it has, or has been waited for long enough.</summary>
    Task EndAsync();

    /// <summary>Ends it by force, when nothing is served any more.</summary>
    void Kill();
}
