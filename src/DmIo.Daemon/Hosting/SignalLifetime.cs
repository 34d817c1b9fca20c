using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;

namespace DmIo.Daemon.Hosting;

/// <summary>
/// SIGTERM and SIGINT stop the host in good order; the second of them ends the process at once, as does a stop that
/// takes longer than it may.
/// </summary>
internal sealed class SignalLifetime(IHostApplicationLifetime lifetime) : IHostLifetime, IDisposable
{
    // What shells report for a process that a signal ended: 128 and the signal's number.
    private const int StatusOfSignal = 128;

    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _signals;

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        foreach (PosixSignal signal in (PosixSignal[])[PosixSignal.SIGTERM, PosixSignal.SIGINT])
            _registrations.Add(PosixSignalRegistration.Create(signal, OnSignal));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (Interlocked.Increment(ref _signals) == 1)
            lifetime.StopApplication();
        else
            ProcessExit.Now(StatusOfSignal + (context.Signal == PosixSignal.SIGINT ? 2 : 15));
    }
}
