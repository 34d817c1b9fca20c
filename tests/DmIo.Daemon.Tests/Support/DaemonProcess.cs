using System.Diagnostics;
using System.Text;

namespace DmIo.Daemon.Tests;

/// <summary>A daemon started as a user starts it. Ends with the test, by force if need be.</summary>
public sealed class DaemonProcess : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _log = new();
    private bool _disposed;

    private DaemonProcess(ProcessStartInfo start)
    {
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Append(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Append(_log, line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Standard output so far.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>Standard error so far.</summary>
    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    public string[] LogLines => Log.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Starts the daemon and waits until it serves.</summary>
    public static DaemonProcess Serve(params string[] arguments) => Launch(["serve", .. arguments]).WaitUntilServing();

    public static DaemonProcess Launch(params string[] arguments) =>
        Launch(new ProcessStartInfo(BuiltProgram.Path, arguments));

    public static DaemonProcess Launch(ProcessStartInfo start) => new(start);

    public DaemonProcess WaitUntilServing()
    {
        try
        {
            WaitForLog("serving ");
            return this;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Waits for a text in the log.</summary>
    public void WaitForLog(string text, TimeSpan? bound = null)
    {
        try
        {
            Deadline.WaitFor(() => Log.Contains(text, StringComparison.Ordinal) || _process.HasExited, text, bound);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}\n{Log}", e);
        }
        if (_process.HasExited)
            _process.WaitForExit();
        if (!Log.Contains(text, StringComparison.Ordinal))
        {
            throw new InvalidOperationException(
                $"The daemon ended with {_process.ExitCode} before it said '{text}':\n{Log}");
        }
    }

    /// <summary>Sends a signal, such as TERM.</summary>
    public void Signal(string name) => Tool.Run("kill", $"-{name}", $"{Id}").MustSucceed();

    /// <summary>Waits for the end; all output has been read then.</summary>
    public int WaitForExit(TimeSpan? bound = null)
    {
        if (!_process.WaitForExit(bound ?? Deadline.Usual))
            throw new TimeoutException($"The daemon has not ended:\n{Log}");
        _process.WaitForExit();
        return _process.ExitCode;
    }

    /// <summary>SIGTERM, and the exit code.</summary>
    public int Stop()
    {
        Signal("TERM");
        return WaitForExit();
    }

    /// <summary>kill -9.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>Memory in use, in bytes.</summary>
    public long ResidentBytes()
    {
        string line = File.ReadLines($"/proc/{Id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) << 10;
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        if (!_process.HasExited)
            Kill();
        _process.Dispose();
    }

    private static void Append(StringBuilder text, string? line)
    {
        if (line is null)
            return;
        lock (text)
            text.Append(line).Append('\n');
    }
}
