using DmIo.Testing;

namespace DmIo.Nbd.Tests;

/// <summary>Log lines come from the server's own threads: tests wait for them.</summary>
internal static class LogWaiting
{
    /// <summary>Waits for a line with an event id.</summary>
    public static string WaitFor(this RecordingLoggers log, int id)
    {
        Assert.That(() => log.Of(id).Any(), Is.True.After(5000, 5), $"a log line with id {id}");
        return log.Of(id).First();
    }
}
