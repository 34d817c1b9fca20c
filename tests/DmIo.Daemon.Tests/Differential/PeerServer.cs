using System.Diagnostics;
using System.Net.Sockets;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>
/// One of the servers that are asked the same: ours on a mirror, and those of Debian 12 on a file or in memory. Each serves one
/// export of the same size, <c>vol0</c> where it can have a name, which is the default wherever there is one.
/// </summary>
internal sealed class PeerServer : IDisposable
{
    /// <summary>Room for a payload of 64 MiB and more.</summary>
    public const int SizeBytes = 80 << 20;

    private readonly Scratch _scratch = new();
    private Process? _process;
    private int _id;

    private PeerServer(string name)
    {
        Name = name;
        Files = [_scratch.Sparse("a.img", SizeBytes)];
    }

    /// <summary>In the order of the table's columns.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["dmio-nbd", "nbdkit file", "nbdkit memory", "qemu-nbd", "nbd-server"];

    public string Name { get; }

    public bool IsOurs => Name == Names[0];

    public string Socket => _scratch["nbd.sock"];

    /// <summary>Where the bytes are, if in files.</summary>
    public string[] Files { get; private set; }

    public static PeerServer Start(string name)
    {
        var server = new PeerServer(name);
        try
        {
            server.Launch();
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>Whether it still takes connections.</summary>
    public bool Answers()
    {
        try
        {
            using var client = new RawClient(NbdClient.Dial(Socket), []);
            client.Greet();
            return true;
        }
        catch (Exception e) when (e is SocketException or WireEndException)
        {
            return false;
        }
    }

    /// <summary>Starts the server again, which has ended by itself.</summary>
    public void Restart()
    {
        Assert.That(_process!.WaitForExit(Deadline.Usual), $"{Name} takes no connections and has not ended");
        Stop();
        File.Delete(Socket);
        Launch();
    }

    /// <summary>Ends the server; its files hold everything then.</summary>
    public void Stop()
    {
        if (_process is not { } process)
            return;
        _process = null;
        using (process)
        {
            // nbd-server goes into the background: then the one that was started has ended, and another is to be stopped.
            bool isBehind = _id != 0 && process.Id != _id;
            bool isToEnd = isBehind || !process.HasExited;
            if (isToEnd)
                Tool.Run("kill", "-TERM", $"{(isBehind ? _id : process.Id)}").MustSucceed();
            if (isBehind)
                Deadline.WaitFor(() => !Directory.Exists($"/proc/{_id}"), "the end of nbd-server");
            Assert.That(process.WaitForExit(Deadline.Usual), $"{Name} has not ended");
            if (isToEnd && IsOurs)
                Assert.That(process.ExitCode, Is.Zero, $"{Name} did not stop in good order");
        }
    }

    public void Dispose()
    {
        Stop();
        _scratch.Dispose();
    }

    private void Launch()
    {
        string file = Files[0];
        bool daemonizes = false;
        _id = 0;
        switch (Name)
        {
            case "dmio-nbd":
                Files = [file, _scratch["b.img"]];
                Run(BuiltProgram.Path, ["serve", "--create", "--mirror", .. Files, "--unix", Socket, "--state-dir", _scratch["state"],
                    "--control", "off"]);
                break;
            case "nbdkit file":
                Run("nbdkit", "-f", "-U", Socket, "file", file);
                break;
            case "nbdkit memory":
                Files = [];
                Run("nbdkit", "-f", "-U", Socket, "memory", $"{SizeBytes}");
                break;
            case "qemu-nbd":
                Run("qemu-nbd", "-k", Socket, "-t", "-e", "8", "-x", "vol0", "-f", "raw", "--discard=unmap", file);
                break;
            default:
                daemonizes = true;
                Run("nbd-server", "-C", _scratch.Write("nbd-server.conf", $"""
                    [generic]
                      unixsock = {Socket}
                      allowlist = true
                    [vol0]
                      exportname = {file}
                      flush = true
                      fua = true
                      trim = true

                    """), "-p", _scratch["pid"]);
                break;
        }
        Deadline.WaitFor(() => IsServing(daemonizes), $"{Name} serves");
        _id = daemonizes ? int.Parse(File.ReadAllText(_scratch["pid"])) : _process!.Id;
    }

    private void Run(string program, params string[] arguments)
    {
        // Nobody reads what the others say; they must not wait for that.
        string[] quiet = ["-c", "exec \"$0\" \"$@\" > /dev/null 2>&1 < /dev/null", program, .. arguments];
        _process = Process.Start(new ProcessStartInfo("/bin/sh", quiet))!;
    }

    private bool IsServing(bool daemonizes)
    {
        if (!daemonizes && _process!.HasExited)
            throw new InvalidOperationException($"{Name} ended with {_process.ExitCode} before it served");
        if (daemonizes && !(File.Exists(_scratch["pid"]) && File.ReadAllText(_scratch["pid"]).EndsWith('\n')))
            return false;
        try
        {
            NbdClient.Dial(Socket).Dispose();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
