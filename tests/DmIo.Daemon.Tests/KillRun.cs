using System.Diagnostics;

namespace DmIo.Daemon.Tests;

/// <summary>
/// Ends a daemon under load with kill -9, again and again, on one mirror: after each kill every leg of the set has all that
/// was acknowledged, and the next daemon serves it. All choices come from the seed; when a kill hits is up to the machine.
/// </summary>
public sealed class KillRun(int seed, bool hasLog, TextWriter told)
{
    // Small, so that a kill is quick to check; 64 regions, so that some are dirty and most are not.
    private const string Size = "16M";
    private const long Bytes = 16 << 20;
    private const string RegionSize = "256K";
    private const string Whole = "64/64 1 AA ";
    private const int Connections = 3;
    private const int Depth = 12;
    private const int MostWrites = 1500;

    private readonly Random _random = new(seed);
    private readonly StampedLoad _load = new(seed, Bytes, Connections, Depth);

    /// <summary>Kills so many times, then lets the mirror recover and compares its legs.</summary>
    /// <exception cref="InvalidDataException">Something acknowledged is lost; the message says what, where and when.</exception>
    public void Run(int kills)
    {
        var watch = Stopwatch.StartNew();
        string kind = hasLog ? "disk log" : "core log";
        told.WriteLine($"seed {seed}, {kind}: {kills} kills");
        using var volume = new Volume(Size);
        for (int kill = 0; kill < kills; kill++)
        {
            Life(volume, $"seed {seed}, {kind}, kill {kill}");
            if ((kill + 1) % 50 == 0)
                told.WriteLine($"seed {seed}: {kill + 1} kills, {_load.Acknowledged} writes, {watch.Elapsed.TotalSeconds:F0} s");
        }
        using (DaemonProcess last = Serve(volume, []))
        {
            last.WaitForLog(Whole);
            Require(_load.CheckVolume(volume.Socket), $"seed {seed}, {kind}, at the end", last);
            if (last.Stop() != 0)
                throw new InvalidDataException($"seed {seed}: the last stop was not clean:\n{last.Log}");
        }
        ToolResult same = Tool.Run("cmp", volume.Legs[0], volume.Legs[1]);
        if (same.ExitCode != 0)
            throw new InvalidDataException($"seed {seed}, {kind}: legs in sync are not the same: {same.Output}{same.Error}");
        told.WriteLine($"seed {seed}, {kind}: {kills} kills, {_load.Acknowledged} writes and {_load.Flushes} flushes "
            + $"acknowledged, nothing lost, {watch.Elapsed.TotalSeconds:F0} s");
    }

    private void Life(Volume volume, string when)
    {
        string[] arguments = Choices();
        int writes = _random.Next(1, MostWrites);
        bool settles = _random.Next(4) == 0;
        bool isChecked = _random.Next(2) == 0;
        using DaemonProcess daemon = Serve(volume, arguments);
        if (isChecked)
            Require(_load.CheckVolume(volume.Socket), $"{when}, {string.Join(' ', arguments)}", daemon);
        if (settles)
            daemon.WaitForLog(Whole);
        long goal = _load.Acknowledged + writes;
        Thread[] clients = _load.Start(volume.Socket);
        Deadline.WaitFor(
            () => _load.Acknowledged >= goal || _load.Failures.Count > 0 || daemon.HasExited, $"{writes} writes");
        daemon.Kill();
        foreach (Thread client in clients)
        {
            if (!client.Join(Deadline.Usual))
                throw new InvalidDataException($"{when}: a client still waits for the server");
        }
        Require(_load.Failures, when, daemon);
        foreach (string leg in volume.Legs)
            Require(_load.Check(leg), when, daemon);
    }

    private string[] Choices()
    {
        var arguments = new List<string> { "--io-backend", _random.Next(2) == 0 ? "auto" : "threads" };
        if (_random.Next(4) == 0)
            arguments.Add("--direct");
        string[] cleanAfter = ["0", "0.02", "0.2", "5"];
        arguments.AddRange(["--clean-after", cleanAfter[_random.Next(cleanAfter.Length)]]);
        // Now and then so slow that the kill meets recovery on its way.
        if (_random.Next(3) == 0)
            arguments.AddRange(["--recovery-rate", "8M"]);
        return [.. arguments];
    }

    private DaemonProcess Serve(Volume volume, string[] arguments)
    {
        string[] log = hasLog ? ["--log", volume.Scratch["log.img"]] : [];
        return volume.Serve(["--region-size", RegionSize, .. log, .. arguments]);
    }

    private static void Require(IReadOnlyList<string> wrong, string when, DaemonProcess daemon)
    {
        if (wrong.Count > 0)
            throw new InvalidDataException($"{when}: {wrong.Count} wrong, the first: {wrong[0]}\n{daemon.Log}");
    }
}
