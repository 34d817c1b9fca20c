using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace DmIo.Daemon.Hosting;

/// <summary>Tells a service manager how the daemon fares (sd_notify(3)); does nothing where there is none.</summary>
internal sealed class SystemdNotifier
{
    // A day; systemd writes 2^64-1 for none.
    private const long LongestPeriod = 24L * 3600 * 1_000_000;

    private readonly string? _path = Environment.GetEnvironmentVariable("NOTIFY_SOCKET");

    private readonly Lock _lock = new();
    private bool _isStopping;

    public void Ready(string status) => SendUnlessStopping($"READY=1\nSTATUS={status}");

    /// <summary>What was told is read again; <see cref="Ready"/> follows.</summary>
    public void Reloading()
    {
        // The manager's clock, so that it knows that this answers its own signal (Type=notify-reload).
        long microseconds = (long)(Stopwatch.GetTimestamp() * (1e6 / Stopwatch.Frequency));
        SendUnlessStopping($"RELOADING=1\nMONOTONIC_USEC={microseconds}\nSTATUS=reading the configuration again");
    }

    /// <summary>What `systemctl status` shows.</summary>
    public void Status(string status) => SendUnlessStopping($"STATUS={status}");

    /// <summary>The daemon is alive; silence for longer than <see cref="WatchdogPeriod"/> has it ended and started again.</summary>
    public void Alive() => Send("WATCHDOG=1");

    /// <summary>How often the manager wants to hear; null when it does not, or means another process.</summary>
    /// <param name="microseconds">What WATCHDOG_USEC says.</param>
    /// <param name="process">What WATCHDOG_PID says.</param>
    public static TimeSpan? WatchdogPeriod(string? microseconds, string? process)
    {
        bool isMeant = string.IsNullOrEmpty(process) || process == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        return isMeant && long.TryParse(microseconds, NumberStyles.None, CultureInfo.InvariantCulture, out long period)
            && period is > 0 and <= LongestPeriod
            ? TimeSpan.FromMicroseconds(period)
            : null;
    }

    /// <summary>The daemon ends; nothing else is told of it any more but that it is alive.</summary>
    public void Stopping()
    {
        lock (_lock)
        {
            _isStopping = true;
            Send("STOPPING=1\nSTATUS=finishing what is under way");
        }
    }

    private void SendUnlessStopping(string message)
    {
        lock (_lock)
        {
            if (!_isStopping)
                Send(message);
        }
    }

    private void Send(string message)
    {
        if (string.IsNullOrEmpty(_path))
            return;
        // An @ stands for the zero byte with which names outside the file system begin.
        string name = _path[0] == '@' ? "\0" + _path[1..] : _path;
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.SendTo(Encoding.UTF8.GetBytes(message), new UnixDomainSocketEndPoint(name));
        }
        catch (SocketException)
        {
            // A manager that does not listen is no reason to stop serving.
        }
    }
}
