using System.Net.Sockets;
using System.Text;
using DmIo.Daemon.Hosting;
using NUnit.Framework;

namespace DmIo.Daemon.Tests.Systemd;

/// <summary>What a service manager hears of a daemon that lives, and of one that hangs.</summary>
public sealed class WatchdogTests
{
    // Goal: one loop of several that hangs is enough for silence, and when it goes on the daemon is alive again.
    [Test]
    public async Task A_loop_that_hangs_is_not_called_alive()
    {
        KernelLoop[] loops = [OpenLoop(0), OpenLoop(1)];
        using var gate = new ManualResetEventSlim();
        try
        {
            int alive = 0;
            await using var watchdog = new LoopWatchdog(loops, () => Interlocked.Increment(ref alive));
            watchdog.Look();
            Deadline.WaitFor(() => Volatile.Read(ref alive) == 1, "both loops go round");

            Task hung = loops[1].InvokeAsync(() =>
            {
                gate.Wait();
                return ValueTask.CompletedTask;
            });
            for (int i = 0; i < 3; i++)
            {
                watchdog.Look();
                // Whatever the first loop was sent, it has run.
                await loops[0].InvokeAsync(() => ValueTask.CompletedTask);
            }
            Assert.That(Volatile.Read(ref alive), Is.EqualTo(1));

            gate.Set();
            await hung;
            Deadline.WaitFor(() => Volatile.Read(ref alive) == 2, "the hung loop goes round again");
            watchdog.Look();
            Deadline.WaitFor(() => Volatile.Read(ref alive) == 3, "the next word");
        }
        finally
        {
            gate.Set();
            foreach (KernelLoop loop in loops)
                loop.Dispose();
        }
    }

    // Goal: it speaks when it is asked to, and not for another process.
    [TestCase("30000000", null, 30.0)]
    [TestCase("30000000", "", 30.0)]
    [TestCase("30000000", "1", null)]
    [TestCase(null, null, null)]
    [TestCase("", null, null)]
    [TestCase("0", null, null)]
    [TestCase("-1", null, null)]
    [TestCase("18446744073709551615", null, null)]
    public void The_period_is_what_the_manager_says(string? microseconds, string? process, double? seconds)
    {
        Assert.That(SystemdNotifier.WatchdogPeriod(microseconds, process)?.TotalSeconds, Is.EqualTo(seconds));
        if (process is null)
        {
            Assert.That(
                SystemdNotifier.WatchdogPeriod(microseconds, $"{Environment.ProcessId}")?.TotalSeconds, Is.EqualTo(seconds));
        }
    }

    // Goal: a manager that asks is told of the start, then that the daemon lives, then of the stop.
    [Test]
    public void A_manager_hears_of_the_daemon()
    {
        using var volume = new Volume();
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 60_000 };
        manager.Bind(new UnixDomainSocketEndPoint(volume.Scratch["notify"]));
        var start = new System.Diagnostics.ProcessStartInfo(BuiltProgram.Path, ["serve", .. volume.Arguments, "--create"]);
        start.Environment["NOTIFY_SOCKET"] = volume.Scratch["notify"];
        start.Environment["WATCHDOG_USEC"] = "200000";
        using DaemonProcess daemon = DaemonProcess.Launch(start);
        Next(manager, "READY=1");
        for (int i = 0; i < 3; i++)
            Next(manager, "WATCHDOG=1");
        Assert.That(daemon.Stop(), Is.Zero);
        Next(manager, "STOPPING=1");
    }

    private static KernelLoop OpenLoop(int number)
    {
        var loop = KernelLoop.Open($"test {number}", LoopBackend.Threads, out _);
        loop.Start();
        return loop;
    }

    // Status lines may come between.
    private static void Next(Socket manager, string word)
    {
        byte[] buffer = new byte[4096];
        while (!Encoding.UTF8.GetString(buffer, 0, manager.Receive(buffer)).Split('\n').Contains(word))
        {
        }
    }
}
