using System.Diagnostics;
using System.Globalization;
using DmIo.SideBySide.Client;
using DmIo.SideBySide.Native;

namespace DmIo.SideBySide.Servers;

/// <summary>A running server. Ends it when disposed.</summary>
internal sealed class Server : IDisposable
{
    private const int StartMs = 30_000; // A publish-fresh .NET program on a busy machine takes seconds at worst.
    private const int KeptLines = 20;
    private const int PatienceMs = 600_000; // For what a whole leg has to be copied before.
    private readonly Queue<(string Text, long At)> _lastLines = new();
    private readonly Process _process;
    private readonly string _certificates;

    private Server(ServerForm form, Launch launch)
    {
        Form = form;
        Socket = launch.Socket;
        _certificates = launch.Certificates;
        ProcessStartInfo info = new(form.Program, form.Arguments(launch))
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        };
        long start = Stopwatch.GetTimestamp();
        _process = Children.Start(info);
        Id = _process.Id;
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        try
        {
            _process.StandardInput.Close();
            WaitUntilServing();
            StartUp = Stopwatch.GetElapsedTime(start);
            if (form.Daemonizes)
            {
                Id = int.Parse(File.ReadAllText(launch.ProcessIdFile), CultureInfo.InvariantCulture);
                Children.Adopt(Id);
                Children.Forget(_process.Id);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public ServerForm Form { get; }

    public string Socket { get; }

    public int Id { get; private set; }

    /// <summary>From before the fork until the server's greeting had arrived.</summary>
    public TimeSpan StartUp { get; }

    public string Uri => Form.Tls
        ? $"nbds+unix://localhost/{Form.Export}?socket={Socket}&tls-certificates={_certificates}"
        : $"nbd+unix:///{Form.Export}?socket={Socket}";

    public static Server Start(ServerForm form, Launch launch) => new(form, launch);

    /// <summary>Confines all threads of the server, and all that they will start, to these cores.</summary>
    public void Pin(IReadOnlyList<int> cores) => Cores.PinProcesses(ProcessTree.Members(Id), cores);

    /// <summary>
    /// Waits until the server has said something after a moment; when that was. Both in seconds on an arbitrary clock.
    /// </summary>
    public double WaitFor(string words, double since = 0)
    {
        long deadline = Environment.TickCount64 + PatienceMs;
        while (true)
        {
            lock (_lastLines)
            {
                foreach ((string text, long at) in _lastLines)
                {
                    double seconds = (double)at / Stopwatch.Frequency;
                    if (seconds > since && text.Contains(words, StringComparison.Ordinal))
                    {
                        return seconds;
                    }
                }
            }

            if (_process.HasExited || Environment.TickCount64 > deadline)
            {
                throw new NbdException($"never says \"{words}\":{Environment.NewLine}{LastLines()}");
            }

            Thread.Sleep(1);
        }
    }

    public void Dispose()
    {
        Children.End(Id);
        if (Id != _process.Id)
        {
            Children.End(_process.Id);
        }

        _process.Dispose();
    }

    private void WaitUntilServing()
    {
        long deadline = Environment.TickCount64 + StartMs;
        Span<byte> greeting = stackalloc byte[Wire.GreetingBytes];
        while (true)
        {
            int descriptor = File.Exists(Socket) ? UnixSocket.TryConnect(Socket) : -1;
            if (descriptor >= 0)
            {
                try
                {
                    UnixSocket.Receive(descriptor, greeting);
                    return;
                }
                finally
                {
                    _ = Libc.close(descriptor);
                }
            }

            if ((!Form.Daemonizes && _process.HasExited) || Environment.TickCount64 > deadline)
            {
                string state = _process.HasExited ? $"ended with {_process.ExitCode}" : "still runs";
                throw new NbdException($"does not serve, {state}:{Environment.NewLine}{LastLines()}");
            }

            Thread.Sleep(1);
        }
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is null)
        {
            return;
        }

        lock (_lastLines)
        {
            _lastLines.Enqueue((line.Data, Stopwatch.GetTimestamp()));
            if (_lastLines.Count > KeptLines)
            {
                _ = _lastLines.Dequeue();
            }
        }
    }

    private string LastLines()
    {
        Thread.Sleep(100); // The last words of a dying process are still in the pipe.
        lock (_lastLines)
        {
            return string.Join(Environment.NewLine, _lastLines.Select(l => "    " + l.Text));
        }
    }
}
