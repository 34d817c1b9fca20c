using System.Text.Json;

namespace DmIo.Daemon.Configuration;

/// <summary>Reads a configuration from a JSON file with comments and trailing commas.</summary>
internal sealed class ConfigurationFile
{
    // Arbitrary: a configuration of this size was not written by a person.
    private const long SizeLimitBytes = 4 << 20;

    private readonly string _file;
    private readonly Mistakes _mistakes;

    private ConfigurationFile(string file, Mistakes mistakes)
    {
        _file = file;
        _mistakes = mistakes;
    }

    /// <summary>The configuration, complete as far as the file is right; null when it is no JSON at all.</summary>
    public static ServeConfiguration? Read(string path, Mistakes mistakes)
    {
        try
        {
            var info = new FileInfo(path);
            if (info.Exists && info.Length > SizeLimitBytes)
            {
                mistakes.Add(path, $"is longer than {ByteSize.Format(SizeLimitBytes)}; is it a configuration?");
                return null;
            }
            JsonItem root = JsonItem.Parse(File.ReadAllBytes(path));
            return new ConfigurationFile(path, mistakes).ReadRoot(root);
        }
        catch (JsonException e)
        {
            mistakes.Add($"{path}:{e.LineNumber + 1}", $"no JSON: {Reason(e)}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            mistakes.Add("--config", $"{path} cannot be read: {e.Message}");
        }
        return null;
    }

    // The message ends with the position, which the place has said already.
    private static string Reason(JsonException e)
    {
        int position = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return position < 0 ? e.Message : e.Message[..position];
    }

    private ServeConfiguration ReadRoot(JsonItem root)
    {
        var reader = new JsonObjectReader(_file, root, _mistakes);
        JsonItem? state = reader.Take("stateDirectory");
        JsonItem? backend = reader.Take("ioBackend");
        JsonItem? level = reader.Take("logLevel");
        JsonItem? control = reader.Take("control");
        string directory = Path.GetDirectoryName(Path.GetFullPath(_file))!;
        string? stateText = reader.AsText(state);
        var configuration = new ServeConfiguration
        {
            BaseDirectory = directory,
            StateDirectory = stateText is null ? UserDirectories.State : Path.GetFullPath(stateText, directory),
            StateDirectoryPlace = state is null ? "the default state directory" : reader.PlaceOf(state),
            Control = reader.AsText(control) is { } c
                ? ControlConfiguration.Read(reader.PlaceOf(control!), c, directory, _mistakes) : ControlConfiguration.Default,
            Backend = reader.AsText(backend) is { } b
                ? Words.Backend(reader.PlaceOf(backend!), b, _mistakes) : LoopBackend.Auto,
            LockMemory = reader.Flag("lockMemory"),
            AskedLogLevel = reader.AsText(level) is { } l ? Words.Level(reader.PlaceOf(level!), l, _mistakes) : null,
            Listeners =
            [
                .. reader.Array("listeners").Select(i => Listener(i, directory)).OfType<ListenerConfiguration>(),
            ],
            Devices = [.. reader.Members("devices").Select(m => Device(m.Key, m.Value))],
            Exports = [.. reader.Array("exports").Select(Export).OfType<ExportConfiguration>()],
            Tls = TlsSection.Read(_file, reader.Take("tls"), directory, _mistakes),
            Allow = AllowSection.Read(_file, reader.Take("allow"), _mistakes),
            Limits = LimitsSection.Read(_file, reader.Take("limits"), _mistakes),
        };
        reader.Finish();
        return configuration;
    }

    private ListenerConfiguration? Listener(JsonItem item, string directory)
    {
        var reader = new JsonObjectReader(_file, item, _mistakes);
        JsonItem? unix = reader.Take("unix");
        JsonItem? tcp = reader.Take("tcp");
        JsonItem? mode = reader.Take("mode");
        JsonItem? group = reader.Take("group");
        reader.Finish();
        if (item.Kind != JsonValueKind.Object)
            return null;
        if (unix is null == tcp is null)
        {
            reader.Add(item, "needs one of 'unix' (a path) and 'tcp' (HOST:PORT)");
            return null;
        }
        if (reader.AsText(unix) is { } path)
        {
            ListenerConfiguration? listener =
                ListenerConfiguration.Unix(reader.PlaceOf(unix!), Path.GetFullPath(path, directory), _mistakes);
            return listener is null ? null : listener with
            {
                Access = SocketAccess.Read(
                    mode is null ? "" : reader.PlaceOf(mode), reader.AsText(mode),
                    group is null ? "" : reader.PlaceOf(group), reader.AsText(group), _mistakes),
            };
        }
        foreach (JsonItem right in new[] { mode, group }.OfType<JsonItem>())
            reader.Add(right, "is for Unix sockets, which are files; leave it out with 'tcp'");
        return reader.AsText(tcp) is { } endpoint
            ? ListenerConfiguration.Tcp(reader.PlaceOf(tcp!), endpoint, _mistakes)
            : null;
    }

    private DeviceConfiguration Device(string name, JsonItem item)
    {
        var reader = new JsonObjectReader(_file, item, _mistakes);
        JsonItem? table = reader.Require("table");
        JsonItem? direct = reader.Take("direct");
        var device = new DeviceConfiguration
        {
            Place = reader.PlaceOf(item),
            Name = name,
            TableText = table is null ? "" : Lines(reader, table),
            TablePlace = table is null ? "" : reader.PlaceOf(table),
            Direct = direct?.Kind == JsonValueKind.True,
            DirectPaths = direct is null ? [] : DirectPaths(reader, direct),
            SyncFrom = reader.Number("syncFrom", 0),
            Force = reader.Flag("force"),
            AssumeClean = reader.Flag("assumeClean"),
            Degraded = reader.Flag("degraded"),
            Mirror = reader.Take("mirror") is { } policy ? MirrorSection.Read(_file, policy, _mistakes) : null,
        };
        if (device is { SyncFrom: not null, AssumeClean: true })
            reader.Add(item, "has both syncFrom and assumeClean; choose one");
        if (device is { SyncFrom: null, Force: true })
            reader.Add(item, "has force and no syncFrom; add it, with the leg to go on with");
        reader.Finish();
        return device;
    }

    private static string Lines(JsonObjectReader reader, JsonItem table)
    {
        if (table.Kind == JsonValueKind.Array)
            return string.Join('\n', table.Items.Select(i => reader.AsText(i) ?? ""));
        if (table.Kind == JsonValueKind.String)
            return table.Text;
        reader.Add(table, "must be a string, or an array with one string a line");
        return "";
    }

    private static List<string> DirectPaths(JsonObjectReader reader, JsonItem direct)
    {
        if (direct.Kind == JsonValueKind.Array)
            return [.. direct.Items.Select(reader.AsText).OfType<string>()];
        if (direct.Kind is not (JsonValueKind.True or JsonValueKind.False))
            reader.Add(direct, "must be true, false, or an array of paths as the table names them");
        return [];
    }

    private ExportConfiguration? Export(JsonItem item)
    {
        var reader = new JsonObjectReader(_file, item, _mistakes);
        string? name = reader.RequireText("name");
        var export = new ExportConfiguration
        {
            Place = reader.PlaceOf(item),
            Name = name ?? "",
            Device = reader.Text("device") ?? $"dm:{name}",
            ReadOnly = reader.Flag("readOnly"),
            IsDefault = reader.Flag("default"),
            IsHidden = reader.Flag("hidden"),
            RequireTls = reader.Flag("requireTls"),
            Description = reader.Text("description"),
        };
        reader.Finish();
        return name is null ? null : export;
    }
}
