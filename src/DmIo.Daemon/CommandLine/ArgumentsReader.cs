using System.CommandLine;
using System.Globalization;
using DmIo.Daemon.Configuration;
using DmIo.Mapper;
using DmIo.Nbd;

namespace DmIo.Daemon.CommandLine;

/// <summary>Makes a configuration of the command line's options.</summary>
internal sealed class ArgumentsReader(
    ParseResult parsed, ServeOptions options, PassedSockets passed, Mistakes mistakes)
{
    private const string DefaultName = "vol0";
    private const long DefaultRegionBytes = 512 << 10;

    // The largest block size that disks have: a log of that alignment may be moved anywhere.
    private const int LogBlockBytes = 4096;

    // What a first try needs, and sparse: it costs what is written.
    private const long DefaultSizeBytes = 1L << 30;

    private readonly MirrorArguments _mirror = new(parsed, options.Policy, mistakes);

    /// <summary>
    /// The configuration, complete as far as the options are right; what is wrong is among the mistakes.
    /// </summary>
    public ServeConfiguration Read()
    {
        bool anything = options.OfVolume.Except(options.OfOneStart).Except(options.Policy.All).Any(IsGiven);
        ServeConfiguration configuration = anything ? OfOptions() : OfNothing();
        return OverrideProcess(configuration);
    }

    /// <summary>
    /// Lets the options that describe the process win over what a file says that is read again.
    /// </summary>
    public ServeConfiguration OverrideAgain(ServeConfiguration configuration) => OverrideProcess(configuration);

    /// <summary>
    /// Lets the options that describe the process, or one start of a mirror, win over what a file says.
    /// </summary>
    public ServeConfiguration Override(ServeConfiguration configuration)
    {
        configuration = OverrideProcess(configuration);
        if (!options.OfOneStart.Any(IsGiven))
            return configuration;
        DeviceConfiguration[] mirrors = [.. configuration.Devices.Where(d => LegsOf(d) > 0)];
        if (mirrors is not [{ } mirror])
        {
            string name = options.OfOneStart.First(IsGiven).Name;
            mistakes.Add(name, $"the file has {mirrors.Length} mirrors; say it in the file, for the one that is meant");
            return configuration;
        }
        DeviceConfiguration changed = mirror with
        {
            Degraded = mirror.Degraded || parsed.GetValue(options.Degraded),
        };
        // Each of them answers alone: what the file has said is for other starts.
        if (IsGiven(options.SyncFrom) || IsGiven(options.AssumeClean) || IsGiven(options.Force))
        {
            changed = changed with
            {
                SyncFrom = SyncFrom(LegsOf(mirror)),
                Force = Force(),
                AssumeClean = parsed.GetValue(options.AssumeClean),
            };
        }
        return configuration with { Devices = [.. configuration.Devices.Select(d => d == mirror ? changed : d)] };
    }

    private static int LegsOf(DeviceConfiguration device) => TableParser.Parse(device.TableText, [])?.Lines
        .Max(l => l.Target is MirrorSpec mirror ? mirror.Legs.Count : 0) ?? 0;

    private ServeConfiguration OverrideProcess(ServeConfiguration configuration)
    {
        if (parsed.GetValue(options.StateDirectory) is { } directory)
        {
            configuration = configuration with
            {
                StateDirectory = Path.GetFullPath(directory),
                StateDirectoryPlace = options.StateDirectory.Name,
            };
        }
        if (parsed.GetValue(options.Control) is { } control)
        {
            configuration = configuration with
            {
                Control = ControlConfiguration.Read(options.Control.Name, control, Environment.CurrentDirectory, mistakes),
            };
        }
        if (parsed.GetValue(options.Backend) is { } backend)
            configuration = configuration with { Backend = Words.Backend(options.Backend.Name, backend, mistakes) };
        if (parsed.GetValue(options.LockMemory))
            configuration = configuration with { LockMemory = true };
        if (parsed.GetValue(options.LogLevel) is { } level)
            configuration = configuration with { AskedLogLevel = Words.Level(options.LogLevel.Name, level, mistakes) };
        configuration = options.Transport.Override(configuration, parsed, passed, mistakes);
        return configuration with
        {
            Tls = options.Tls.Override(configuration.Tls, parsed, mistakes),
            Allow = options.Allow.Override(configuration.Allow, parsed, mistakes),
        };
    }

    private ServeConfiguration OfNothing()
    {
        string state = Path.GetFullPath(parsed.GetValue(options.StateDirectory) ?? UserDirectories.State);
        string runtime = UserDirectories.Runtime;
        string socket = Path.Combine(runtime, "nbd.sock");
        string[] legs = [Path.Combine(state, "leg0.img"), Path.Combine(state, "leg1.img")];
        bool opensNone = options.Transport.AreGiven(parsed, passed);
        return new ServeConfiguration
        {
            StateDirectory = state,
            StateDirectoryPlace = "the default state directory",
            OwnDirectories = opensNone ? [state] : [state, runtime],
            NewLegs = parsed.GetValue(options.Degraded) ? [] : MissingLegs(legs, DefaultSizeBytes),
            Listeners = opensNone ? [] :
            [
                new("the default listener", null, new(System.Net.IPAddress.Loopback, 10809)),
                .. Present(ListenerConfiguration.Unix("the default listener", socket, mistakes)),
            ],
            Devices = [Mirror(legs.Length) with { TableText = Table(legs, null, DefaultSizeBytes, DefaultRegionBytes) }],
            Exports = [Export("the default export", DefaultName)],
        };
    }

    private ServeConfiguration OfOptions()
    {
        string[] mirror = parsed.GetValue(options.Mirror) ?? [];
        string? linear = parsed.GetValue(options.Linear);
        string[] legs = [.. (linear is null ? mirror : [linear]).Select(Path.GetFullPath)];
        if (mirror.Length > 0 && linear is not null)
            mistakes.Add("--linear", "goes not together with --mirror; choose one");
        else if (legs.Length == 0)
            mistakes.Add(
                "serve", "nothing to serve; add --mirror A B or --linear FILE (or no option at all for a first try)");
        else if (linear is null && legs.Length == 1)
            mistakes.Add("--mirror", "a mirror has two legs at least; add another, or use --linear for one file alone");
        if (parsed.GetValue(options.Degraded) && parsed.GetValue(options.Create))
            mistakes.Add(options.Degraded.Name, "goes not together with --create, which makes what is missing; choose one");
        bool isComplete = legs.Length >= (linear is null ? 2 : 1);
        if (linear is not null)
            RefuseMirrorOptions();
        long? size = Size(legs);
        DeviceConfiguration? mirrored = linear is null ? Mirror(legs.Length) : null;
        long regionBytes = RegionBytes(size ?? DefaultSizeBytes);
        string name = parsed.GetValue(options.Export) ?? DefaultName;
        string? log = linear is null && parsed.GetValue(options.Log) is { } path ? Path.GetFullPath(path) : null;
        return new ServeConfiguration
        {
            StateDirectory = UserDirectories.State,
            StateDirectoryPlace = "the default state directory",
            NewLegs = size is { } bytes && parsed.GetValue(options.Create)
                ? [.. MissingLegs(legs, bytes), .. MissingLog(log, bytes, regionBytes)] : [],
            Listeners = Listeners(),
            Devices = (size, isComplete, mirrored) switch
            {
                ({ } length, true, { } device) => [device with { TableText = Table(legs, log, length, regionBytes) }],
                ({ } length, true, null) => [Linear(legs[0], length)],
                _ => [],
            },
            Exports = size is not null && isComplete ? [Export(options.Export.Name, name)] : [],
        };
    }

    private bool IsGiven(Option option) => parsed.GetResult(option) is { Implicit: false };

    private void RefuseMirrorOptions()
    {
        foreach (Option option in options.OfMirror)
        {
            if (IsGiven(option))
                mistakes.Add(option.Name, "is for a mirror; leave it out with --linear");
        }
    }

    private List<ListenerConfiguration> Listeners()
    {
        var listeners = new List<ListenerConfiguration>();
        UnixSocketAccess? access = options.Transport.ReadAccess(parsed, mistakes);
        string[] paths = parsed.GetValue(options.Unix) ?? [];
        foreach (string path in paths)
            listeners.AddRange(Present(ListenerConfiguration.Unix(options.Unix.Name, path, mistakes)));
        listeners = [.. listeners.Select(l => l with { Access = access })];
        string[] endpoints = parsed.GetValue(options.Listen) ?? [];
        foreach (string endpoint in endpoints)
            listeners.AddRange(Present(ListenerConfiguration.Tcp(options.Listen.Name, endpoint, mistakes)));
        foreach (Option option in paths is [] ? options.Transport.OfListeners.Where(IsGiven) : [])
            mistakes.Add(option.Name, "is for Unix sockets; add --unix PATH, or leave it out");
        if (paths is [] && endpoints is [] && !options.Transport.AreGiven(parsed, passed))
            mistakes.Add("serve", "no listener; add --unix PATH or --listen HOST:PORT");
        return [.. listeners.Select(l => l with { IsOfOptions = true })];
    }

    /// <summary>The volume's size: as told, or that of the smallest leg there is.</summary>
    private long? Size(string[] legs)
    {
        bool create = parsed.GetValue(options.Create);
        bool degraded = parsed.GetValue(options.Degraded);
        if (parsed.GetValue(options.Size) is { } text)
        {
            if (!ByteSize.TryParse(text, out long bytes))
                mistakes.Add(options.Size.Name, $"'{text}' is no size; {ByteSize.Remedy}");
            else if (bytes % Sectors.SizeBytes != 0)
                mistakes.Add(options.Size.Name, $"{bytes} bytes are not a multiple of 512; {NearestSizes(bytes)}");
            else
                return bytes;
            // Without a size there is no table whose devices could be looked at: the legs are, all the same.
            foreach (string leg in create || degraded ? [] : legs)
            {
                if (LegFile.Probe(leg) is { Problem: not null } file)
                    mistakes.Add(leg, ProblemOf(file));
            }
            return null;
        }
        long? smallest = null;
        foreach (string leg in legs)
        {
            LegFile file = LegFile.Probe(leg);
            if (file.Problem is null)
                smallest = Math.Min(smallest ?? long.MaxValue, file.SizeBytes);
            else if (!degraded && (file.Exists || !create))
                mistakes.Add(leg, ProblemOf(file));
        }
        if (smallest is null && create)
            mistakes.Add(options.Create.Name, "no leg exists yet to take the size from; add --size");
        else if (smallest is null && degraded)
            mistakes.Add(options.Degraded.Name, "all legs are missing; one of them at least must be there");
        if (smallest is { } odd && odd % Sectors.SizeBytes != 0)
        {
            mistakes.Add(options.Size.Name,
                $"the smallest leg has {odd} bytes, not a multiple of 512; say which size to serve: "
                + NearestSizes(odd));
            return null;
        }
        return smallest;
    }

    private string ProblemOf(LegFile leg) =>
        leg.ProblemWith(LegFile.ByCreate, IsGiven(options.Linear) ? "" : LegFile.WithoutIt);

    private static string NearestSizes(long bytes) =>
        $"take {Sectors.Floor(bytes).Bytes} or {Sectors.Ceiling(bytes).Bytes}";

    private List<NewLeg> MissingLegs(string[] legs, long sizeBytes) =>
    [
        .. legs.Where(leg => !LegFile.Probe(leg).Exists)
            .Select(leg => new NewLeg(options.Create.Name, leg, sizeBytes)),
    ];

    private NewLeg[] MissingLog(string? log, long sizeBytes, long regionBytes) =>
        log is null || LegFile.Probe(log).Exists ? [] :
        [
            new(options.Create.Name, log, MirrorLogSize.BytesFor(
                Sectors.Ceiling(sizeBytes), Sectors.FromBytes(regionBytes), LogBlockBytes)),
        ];

    private DeviceConfiguration Linear(string leg, long sizeBytes) => new()
    {
        Place = options.Linear.Name,
        Name = Name(),
        TableText = $"0 {sizeBytes >> Sectors.Shift} linear {TableWords.Quote(leg)} 0",
        TablePlace = options.Linear.Name,
        Direct = parsed.GetValue(options.Direct),
    };

    private static string Table(string[] legs, string? log, long sizeBytes, long regionBytes) =>
        string.Create(CultureInfo.InvariantCulture,
            $"0 {sizeBytes >> Sectors.Shift} mirror {(log is null ? "core 1" : $"disk 2 {TableWords.Quote(log)}")} "
            + $"{regionBytes >> Sectors.Shift} {legs.Length} ")
        + string.Join(' ', legs.Select(leg => $"{TableWords.Quote(leg)} 0")) + " 1 handle_errors";

    // All but its table.
    private DeviceConfiguration Mirror(int legs) => new()
    {
        Place = options.Mirror.Name,
        Name = Name(),
        TableText = "",
        TablePlace = options.Mirror.Name,
        Direct = parsed.GetValue(options.Direct),
        SyncFrom = SyncFrom(legs),
        Force = Force(),
        AssumeClean = parsed.GetValue(options.AssumeClean),
        Degraded = parsed.GetValue(options.Degraded),
        Mirror = _mirror.Read(legs),
    };

    // A device's name is a word of its status line; an export's may be anything.
    private string Name() =>
        parsed.GetValue(options.Export) is { } name && DeviceName.IsValid(name) ? name : DefaultName;

    private long RegionBytes(long sizeBytes)
    {
        // A region is no longer than its mirror.
        long standard = Math.Min(DefaultRegionBytes, 1L << (63 - (int)long.LeadingZeroCount(sizeBytes)));
        if (parsed.GetValue(options.RegionSize) is not { } text)
            return standard;
        if (ByteSize.TryParse(text, out long bytes) && long.IsPow2(bytes) && bytes >= RegionMinimumBytes)
            return bytes;
        mistakes.Add(
            options.RegionSize.Name, $"'{text}' is no region size; take a power of two of at least 4K, such as 512K");
        return standard;
    }

    // The kernel's own minimum is a page.
    private const long RegionMinimumBytes = 4096;

    private int? SyncFrom(int legs)
    {
        if (parsed.GetValue(options.SyncFrom) is not { } text)
            return null;
        if (parsed.GetValue(options.AssumeClean))
            mistakes.Add(options.SyncFrom.Name, "goes not together with --assume-clean; choose one");
        return _mirror.Leg(options.SyncFrom, text, legs);
    }

    private bool Force()
    {
        bool force = parsed.GetValue(options.Force);
        if (force && !IsGiven(options.SyncFrom))
            mistakes.Add(options.Force.Name, "wants --sync-from LEG with the leg to go on with; add it");
        return force;
    }

    private ExportConfiguration Export(string place, string name) => new()
    {
        Place = place,
        Name = name,
        Device = $"dm:{Name()}",
        ReadOnly = parsed.GetValue(options.ReadOnly),
        IsDefault = true,
    };

    private static IEnumerable<ListenerConfiguration> Present(ListenerConfiguration? listener) =>
        listener is null ? [] : [listener];
}
