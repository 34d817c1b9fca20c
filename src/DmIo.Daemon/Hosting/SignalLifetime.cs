using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DmIo.Daemon.Hosting;

/// <summary>
/// SIGTERM and SIGINT stop the host in good order; the second of them ends the process at once, as does a stop that takes
/// longer than it may. SIGHUP has the configuration read again, unless it is the terminal that says goodbye: then it stops the
/// host as well.
/// </summary>
internal sealed class SignalLifetime(
    IHostApplicationLifetime lifetime, ReloadRequests reloads, ILoggerFactory loggers, IErrand? errand = null) : IHostLifetime, IDisposable
{
    // What shells report for a process that a signal ended: 128 and the signal's number.
    private const int StatusOfSignal = 128;

    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly bool _hadTerminal = ControllingTerminal.Exists();
    private int _signals;
    private int _hangups;

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        foreach (PosixSignal signal in (PosixSignal[])[PosixSignal.SIGTERM, PosixSignal.SIGINT])
            _registrations.Add(PosixSignalRegistration.Create(signal, OnSignal));
        // nohup asks for the signal to be ignored.
        if (!IgnoresHangup())
            _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnHangup));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
    }

    private static bool IgnoresHangup()
    {
        const string field = "SigIgn:";
        string? mask = File.ReadLines("/proc/self/status")
            .FirstOrDefault(l => l.StartsWith(field, StringComparison.Ordinal))?[field.Length..];
        return ulong.TryParse(mask, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong signals)
            && (signals & 1) != 0;
    }

    private void OnHangup(PosixSignalContext context)
    {
        context.Cancel = true;
        if (!_hadTerminal || ControllingTerminal.Exists())
        {
            reloads.Ask();
            return;
        }
        // A terminal that is closed must not cost a full copy. Kernel and shell both tell of it: nobody is in a hurry.
        if (Interlocked.Exchange(ref _hangups, 1) > 0)
            return;
        Log.TerminalIsGone(loggers.CreateLogger("DmIo.Daemon"));
        lifetime.StopApplication();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (Interlocked.Increment(ref _signals) == 1)
        {
            lifetime.StopApplication();
            return;
        }
        errand?.Kill();
        ProcessExit.Now(StatusOfSignal + NumberOf(context.Signal));
    }

    private static int NumberOf(PosixSignal signal) => signal == PosixSignal.SIGINT ? 2 : 15;
}
