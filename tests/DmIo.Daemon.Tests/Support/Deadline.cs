using System.Diagnostics;

namespace DmIo.Daemon.Tests;

/// <summary>Waits for conditions, never for time; what takes longer than any machine needs has failed.</summary>
public static class Deadline
{
    /// <summary>Far more than an idle machine takes for anything in these tests.</summary>
    public static readonly TimeSpan Usual = TimeSpan.FromSeconds(60);

    public static void WaitFor(Func<bool> condition, string what, TimeSpan? bound = null)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            if (watch.Elapsed > (bound ?? Usual))
                throw new TimeoutException($"Not within {(bound ?? Usual).TotalSeconds} s: {what}");
            Thread.Sleep(2);
        }
    }
}
