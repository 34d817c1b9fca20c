using System.Text.Json;
using System.Text.RegularExpressions;

namespace DmIo.Daemon.Tests;

/// <summary>
/// A mirror whose legs come and go by the verbs. One of them, <c>dm:shaky</c>, is a device of its own, which can be told to
/// fail; it may be any leg, or none.
/// </summary>
public sealed partial class ChangedVolume : IDisposable
{
    public const int FirstMib = 32;
    public const int LastMib = 48;
    public const string ShakyDevice = "dm:shaky";

    private const int LogMib = 1;
    private const int SectorsPerMib = 2048;

    private readonly ChangeOptions _options;
    private readonly TextWriter _told;
    private readonly Scratch _scratch = new();
    private readonly ChangedLeg _shaky;
    private int _spares;
    private int _tables;
    private int _refusals;

    public ChangedVolume(ChangeOptions options, TextWriter told)
    {
        (_options, _told) = (options, told);
        // It cannot grow with the mirror, so it is long enough from the start.
        _shaky = new(ShakyDevice, _scratch.Sparse("shaky.img", (long)LastMib << 20));
        string first = _scratch.Sparse("first.img", (long)FirstMib << 20);
        Legs = [new(first, first), _shaky];
        string log = options.DiskLog ? $"disk 2 {_scratch.Sparse("log.img", LogMib << 20)} 512" : "core 1 512";
        string file = _scratch.Write("changes.json", $$"""
            {
              "stateDirectory": "state", "control": "control.sock",
              "listeners": [ { "unix": "nbd.sock" } ],
              "devices": {
                "shaky": { "table": "{{SoundTable}}"{{Direct}} },
                "vol0": {
                  "table": "0 {{FirstMib * SectorsPerMib}} mirror {{log}} 2 {{first}} 0 dm:shaky 0 1 handle_errors",
                  "assumeClean": true,
                  "mirror": { "cleanAfterSeconds": 0.2 }{{Direct}}
                }
              },
              "exports": [ { "name": "vol0" } ]
            }
            """);
        Daemon = DaemonProcess.Serve("--config", file);
    }

    public DaemonProcess Daemon { get; }

    public List<ChangedLeg> Legs { get; }

    public string Socket => _scratch["nbd.sock"];

    public string Uri => $"nbd+unix:///vol0?socket={Socket}";

    /// <summary>The size of the mirror.</summary>
    public int Mib { get; set; } = FirstMib;

    /// <summary>How often a verb did not go together with the moment.</summary>
    public int Refusals => Volatile.Read(ref _refusals);

    /// <summary>Called when a verb is refused, before it is tried again.</summary>
    public Action? OnRefusal { get; set; }

    /// <summary>The shaky device's table when it is sound.</summary>
    public string SoundTable => ShakyTable("dust", "0 4096");

    public string ShakyFile => _shaky.File;

    /// <summary>Whether the shaky device is a leg now.</summary>
    public bool HasShaky => Legs.Contains(_shaky);

    private string Direct => _options.Direct ? ", \"direct\": true" : "";

    /// <summary>A table for the shaky device, upon its file.</summary>
    public string ShakyTable(string target, string behindTheFile) =>
        $"0 {LastMib * SectorsPerMib} {target} {_shaky.File} {behindTheFile}";

    /// <summary>A table for the shaky device with which all of it fails.</summary>
    public static string FailingTable => $"0 {LastMib * SectorsPerMib} error";

    /// <summary>Gives the shaky device another table.</summary>
    public void SwapShaky(string table)
    {
        Ask("PUT", "shaky/inactive-table", $$"""{"table":"{{table}}"}""");
        // What fails cannot be flushed.
        Ask("POST", "shaky/suspend?noflush=true");
        Ask("POST", "shaky/resume");
    }

    /// <summary>Sends the shaky device a message.</summary>
    public void Message(params string[] words) =>
        Ask("POST", "shaky/message", $$"""{"sector":0,"words":["{{string.Join("\",\"", words)}}"]}""");

    public string TableFile(string table) => _scratch.Write($"table{Interlocked.Increment(ref _tables) % 16}", table);

    /// <summary>A device that is no leg yet: a new file, or the shaky one.</summary>
    public ChangedLeg Spare(bool shaky)
    {
        if (shaky && !HasShaky)
            return _shaky;
        string file = _scratch.Sparse($"spare{_spares++}.img", (long)Mib << 20);
        return new(file, file);
    }

    /// <summary>Says that a leg is none any more.</summary>
    public void Forget(ChangedLeg leg)
    {
        if (leg != _shaky)
            File.Delete(leg.File);
    }

    /// <summary>Runs a verb, again while it is refused for the moment.</summary>
    public string Verb(params string[] verb) => Insist(() => Try(verb), string.Join(' ', verb));

    /// <summary>Runs a verb once.</summary>
    /// <returns>What it prints; null if it was refused, which is told and counted.</returns>
    public string? Try(params string[] verb)
    {
        ToolResult result = ControlTool.Run(_scratch["control.sock"], verb);
        if (result.ExitCode == 0)
            return result.Output;
        string said = $"{string.Join(' ', verb)}: exit {result.ExitCode}: {result.Output}{result.Error}".TrimEnd();
        // That regions which are not in sync were passed over is no mismatch.
        return result.ExitCode == 1 && !Mismatch().IsMatch(result.Output)
            ? Refused(said)
            : throw new InvalidDataException(said);
    }

    /// <summary>Waits until all legs are in the set, lack nothing and are forgiven what they failed.</summary>
    public void WaitInSync(Func<bool> givesUp) =>
        Deadline.WaitFor(
            () =>
            {
                JsonElement mirror = JsonDocument.Parse(Ask("GET", "vol0")).RootElement.GetProperty("mirrors")[0];
                JsonElement[] legs = [.. mirror.GetProperty("legs").EnumerateArray()];
                if (legs.Length != Legs.Count)
                    throw new InvalidDataException($"{Legs.Count} legs are expected: {mirror}");
                for (int i = 0; i < legs.Length; i++)
                {
                    if (legs[i].GetProperty("health").GetString() != "A")
                        TryAsk("POST", $"vol0/legs/{i}/clear");
                }
                return legs.All(IsInSync) || givesUp();
            },
            "all legs are in sync");

    public void Dispose()
    {
        Daemon.Dispose();
        _scratch.Dispose();
    }

    private static bool IsInSync(JsonElement leg) =>
        leg.GetProperty("health").GetString() == "A" && leg.GetProperty("inSet").GetBoolean()
        && leg.GetProperty("lackedRegions").GetInt64() == 0;

    // What is asked for in great number goes by curl, which starts in a tenth of a verb's time.
    private string Ask(string method, string path, string document = "") =>
        Insist(() => TryAsk(method, path, document), $"{method} {path}");

    private string? TryAsk(string method, string path, string document = "")
    {
        (int status, _, string body) = ControlTool.Curl(
            _scratch["control.sock"], $"/v1/volumes/{path}", "-X", method, "-H", "Content-Type: application/json", "-d", document);
        if (status is >= 200 and < 300)
            return body;
        string said = $"{method} {path} {document}: {status} {body}";
        return status is 409 or 503 ? Refused(said) : throw new InvalidDataException(said);
    }

    private string Insist(Func<string?> attempt, string what)
    {
        string? answer = null;
        Deadline.WaitFor(
            () =>
            {
                answer = attempt();
                if (answer is null)
                    OnRefusal?.Invoke();
                return answer is not null;
            },
            $"{what} is done");
        return answer!;
    }

    private string? Refused(string said)
    {
        if (Daemon.HasExited)
            throw new InvalidDataException($"the daemon ended: {said}");
        Interlocked.Increment(ref _refusals);
        _told.WriteLine($"    {said}");
        return null;
    }

    [GeneratedRegex(@"\d differ\b")]
    private static partial Regex Mismatch();
}
