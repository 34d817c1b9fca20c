using System.Text.Json;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>
/// The verbs at the lines that dmsetup prints for the kernel's targets, as tests/vm's scenario golden-lines has them. Here
/// devices stand on files, which are named as they are where the kernel has numbers.
/// </summary>
public sealed partial class GoldenLinesTests
{
    private const long FileBytes = 64 << 20;
    private const string Export = "mirror";

    private static readonly string s_golden = Path.Combine(BuiltProgram.Repository, "tests/vm/golden/dmsetup.txt");

    private readonly Dictionary<string, string> _devices = [];
    private Scratch _scratch = null!;
    private DaemonProcess? _daemon;

    // Goal: whoever knows dmsetup's output knows that of the verbs, line by line.
    [Test]
    public void Verbs_print_what_dmsetup_prints()
    {
        using (_scratch = new Scratch())
        {
            try
            {
                foreach (string file in (string[])["A", "B", "C", "D"])
                    _scratch.Sparse(file, FileBytes);
                var printed = new List<string>();
                foreach (string line in File.ReadLines(s_golden).Where(line => line.StartsWith("$ ", StringComparison.Ordinal)))
                {
                    printed.Add(line);
                    printed.AddRange(Tell(line[2..].Split(' ', 3)));
                }
                Assert.That(printed, Is.EqualTo(File.ReadLines(s_golden)));
            }
            finally
            {
                _daemon?.Dispose();
            }
        }
    }

    private string[] Tell(string[] words)
    {
        string name = words.Length > 1 ? words[1] : "";
        string rest = words.Length > 2 ? words[2] : "";
        if (words[0] == "create")
        {
            _devices.Add(name, WithFiles(rest));
            return [];
        }
        _daemon ??= Serve();
        switch (words[0])
        {
            case "reload":
                return Lines("reload", name, "--table", _scratch.Write("table", WithFiles(rest)));
            case "write":
                using (NbdClient client = NbdClient.Connect(_scratch["nbd.sock"], name))
                    Assert.That(client.WriteAt(long.Parse(rest) * 512, new byte[512]), Is.Zero);
                return [];
            case "settle":
                Deadline.WaitFor(() => Lines("status", name)[0].Contains($" {rest} ", StringComparison.Ordinal), rest);
                return [];
            case "events":
                return [.. Lines("info", name).Where(line => line.StartsWith("Event", StringComparison.Ordinal))];
            // The number is what it prints; dmsetup wants -v for it, and prints more.
            case "wait":
                return Lines("wait", name, rest) is ["fails"] ? ["fails"] : [];
            case "remove" when name == Export:
                // What is exported is in use, as what is open is for the kernel.
                Lines("export", "remove", name);
                break;
        }
        return [.. Lines([words[0], .. words[1..].SelectMany(word => word.Split(' '))]).Select(Sorted)];
    }

    private string[] Lines(params string[] verb)
    {
        ToolResult result = ControlTool.Run(_scratch["control.sock"], verb);
        // The words of errors are each side's own.
        return result.ExitCode == 0 ? WithoutFiles(result.Output).Split('\n')[..^1] : ["fails"];
    }

    private string WithFiles(string table) =>
        Letter().Replace(table, match => _scratch[match.Value]).Replace("\\n", "\n", StringComparison.Ordinal);

    private string WithoutFiles(string text) => text.Replace(_scratch.Directory + "/", "", StringComparison.Ordinal);

    // The kernel lists from behind what a device stands on.
    private static string Sorted(string line)
    {
        int list = line.IndexOf("\t:", StringComparison.Ordinal);
        return list < 0
            ? line
            : line[..(list + 2)] + string.Concat(line[(list + 2)..].Split(" (")[1..].Order(StringComparer.Ordinal).Select(d => $" ({d}"));
    }

    private DaemonProcess Serve()
    {
        var devices = _devices.ToDictionary(
            device => device.Key,
            device => device.Value.Contains(" mirror ", StringComparison.Ordinal)
                ? (object)new { table = device.Value, assumeClean = true }
                : new { table = device.Value });
        // Without an export nobody could write to a mirror, and its files would be opened for reading.
        var exports = _devices.Where(d => d.Value.Contains(" mirror ", StringComparison.Ordinal)).Select(d => new { name = d.Key });
        object[] listeners = [new { unix = "nbd.sock" }];
        string file = _scratch.Write(
            "golden.json",
            JsonSerializer.Serialize(new { stateDirectory = "state", control = "control.sock", listeners, devices, exports }));
        return DaemonProcess.Serve("--config", file);
    }

    [GeneratedRegex(@"\b[ABCD]\b")]
    private static partial Regex Letter();
}
