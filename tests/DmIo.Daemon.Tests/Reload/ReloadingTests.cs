using DmIo.Daemon.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using Serilog.Core;

namespace DmIo.Daemon.Tests;

/// <summary>What is made of requests to read the configuration again.</summary>
public sealed class ReloadingTests
{
    // Goal: what is given up within a reload, for whatever reason, ends that reload and not those that are asked for later.
    [Test]
    public async Task One_that_is_given_up_is_not_the_last()
    {
        int read = 0;
        var source = new ReloadSource("dmio-nbd.json", _ =>
        {
            Interlocked.Increment(ref read);
            throw new OperationCanceledException();
        });
        // Nothing but the file is looked at.
        var reloading = new Reloading(null!, null!, source, new LoggingLevelSwitch(), new SystemdNotifier(), NullLogger.Instance);
        var requests = new ReloadRequests();
        using var ending = new CancellationTokenSource();
        Task running = reloading.RunAsync(requests, ending.Token);
        for (int i = 1; i <= 2; i++)
        {
            requests.Ask();
            Deadline.WaitFor(() => Volatile.Read(ref read) == i || running.IsCompleted, "the file is read");
            Assert.That(read, Is.EqualTo(i));
        }
        await ending.CancelAsync();
        await running;
    }
}
