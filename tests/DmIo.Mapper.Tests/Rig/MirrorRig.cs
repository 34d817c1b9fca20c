using DmIo.Testing;

namespace DmIo.Mapper.Tests;

/// <summary>
/// A mirror on a manual loop over scripted legs, with a state file in memory and, if its table has one, a scripted log
/// device. It can be stopped and crashed.
/// </summary>
internal sealed class MirrorRig : IDeviceSource
{
    /// <summary>A disk log whose device is called <c>log</c>.</summary>
    public const string DiskLog = "disk 2 log {0}";

    private readonly Dictionary<string, BlockDevice> _devices = [];

    public MirrorRig(
        int legs = 2, long sectors = 32768, long regionSize = 1024, string log = "core 2 {0} nosync",
        string features = "", long logSectors = 512)
    {
        Sectors = new Sectors(sectors);
        for (int i = 0; i < legs; i++)
            AddLeg(new ScriptedDevice(Loop, $"leg{i}", Sectors));
        if (log.StartsWith("disk", StringComparison.Ordinal))
            ReplaceLogDevice(new ScriptedDevice(Loop, "log", new Sectors(logSectors)));
        string places = string.Join(' ', Legs.Select(leg => $"{leg.Name} 0"));
        TableText = $"0 {sectors} mirror {string.Format(log, regionSize)} {legs} {places}{features}";
        Options = new MappedDeviceOptions
        {
            StateDirectory = "/state",
            LoggerFactory = Log,
            OpenStore = (_, _) => Store,
            OpenSidecar = OpenSidecar,
            Identify = (device, argument) => Identities.GetValueOrDefault(argument)
                ?? new LegIdentity
                {
                    Kind = "device",
                    Name = argument,
                    SizeBytes = device is MissingDevice ? Sectors.Bytes : device.Length.Bytes,
                },
            NewVolumeId = () => new Guid("11111111-2222-3333-4444-555555555555"),
        };
    }

    /// <summary>A leg that failed stays out, nothing is mended, and regions are marked clean at once, as the kernel does.</summary>
    public static MirrorOptions AsTheKernel { get; } =
        new() { Recovers = false, RepairsReads = false, CleanAfter = TimeSpan.Zero };

    public ManualLoop Loop { get; } = new();

    public Sectors Sectors { get; }

    public List<ScriptedDevice> Legs { get; } = [];

    /// <summary>The log device; null with a core log.</summary>
    public ScriptedDevice? LogDevice { get; private set; }

    /// <summary>The bytes of the file beside a log device that is too short; null before it was opened.</summary>
    public byte[]? Sidecar { get; private set; }

    /// <summary>The file beside a log device that is too short, as it was opened last; null before.</summary>
    public SidecarDevice? SidecarDevice => _sidecars.LastOrDefault();

    /// <summary>Whether such a file holds what it is asked when it is opened.</summary>
    public bool SidecarHolds { get; set; }

    public MemoryStore Store { get; private set; } = new("/state/vol0.mirror-0.json");

    public RecordingLoggers Log { get; } = new();

    public string TableText { get; set; }

    public MappedDeviceOptions Options { get; set; }

    /// <summary>What legs are taken for, where it is not their name.</summary>
    public Dictionary<string, LegIdentity> Identities { get; } = [];

    public MappedDevice Device { get; private set; } = null!;

    public string Status => Device.StatusLine();

    public MirrorTarget Mirror => (MirrorTarget)Device.Targets[0];

    /// <summary>What is durably recorded of each leg: whether writes went to it, and which regions it lacks.</summary>
    public IEnumerable<string> Recorded => Store.State.Legs.Select(leg =>
    {
        var lacks = new RegionSet(1 << 20);
        RegionRanges.AddTo(lacks, leg.Lacks, 1 << 20);
        return $"{(leg.InSet ? "in" : "out")} {RegionRanges.Describe(lacks)}".TrimEnd();
    });

    public BlockDevice Find(string deviceArgument) =>
        _devices.GetValueOrDefault(deviceArgument) ?? throw new IOException($"{deviceArgument}: ENOENT");

    public void AddDevice(string argument, BlockDevice device) => _devices[argument] = device;

    public void AddLeg(ScriptedDevice leg)
    {
        Legs.Add(leg);
        _devices[leg.Name] = leg;
    }

    public void ReplaceLogDevice(ScriptedDevice log)
    {
        LogDevice = log;
        _devices[log.Name] = log;
    }

    /// <summary>The leg's device cannot be had at the next start.</summary>
    public void Miss(int leg) => _devices[Legs[leg].Name] = new MissingDevice(Loop, Legs[leg].Name, "ENOENT");

    /// <summary>The leg's device is there again.</summary>
    public void Find(int leg) => _devices[Legs[leg].Name] = Legs[leg];

    public static Table Parse(string text)
    {
        var errors = new List<TableError>();
        return TableParser.Parse(text, errors) ?? throw new InvalidOperationException(string.Join('\n', errors));
    }

    public MirrorRig Start()
    {
        Device = Loop.Finish(BeginStart());
        return this;
    }

    /// <summary>A start that time has to pass for.</summary>
    public Task<MappedDevice> BeginStart() => MappedDevice.CreateAsync(Loop, "vol0", Parse(TableText), this, Options);

    /// <summary>Starts while something is held, so that not everything comes to rest.</summary>
    public MirrorRig StartBusy()
    {
        Task<MappedDevice> created = BeginStart();
        Loop.RunUntilIdle();
        Assert.That(created.IsCompleted, "the start waits for nothing that is held");
        Device = created.GetAwaiter().GetResult();
        return this;
    }

    public void Stop()
    {
        Loop.Finish(Device.StopAsync());
        Loop.Run(Device.DisposeAsync);
    }

    /// <summary>
    /// The program ends without a word: what the devices and the state file hold stays, what was held is lost.
    /// </summary>
    public void Crash()
    {
        // Nothing moves in the old device afterwards: it waits for what will never come.
        Loop.RunUntilIdle();
        Store = Store.Crash();
        for (int i = 0; i < Legs.Count; i++)
            _devices[Legs[i].Name] = Legs[i] = Successor(Legs[i]);
        if (LogDevice is not null)
            ReplaceLogDevice(Successor(LogDevice));
        foreach (ScriptedDevice sidecar in _sidecars)
            sidecar.Holds = true;
        _sidecars.Clear();
    }

    public void FreeLegs() => Legs.ForEach(leg => Loop.Run(leg.DisposeAsync));

    public void Advance(double seconds) => Loop.Time.Advance(TimeSpan.FromSeconds(seconds));

    /// <summary>Makes options of the present ones for the next start.</summary>
    public MirrorRig With(Func<MappedDeviceOptions, MappedDeviceOptions> change)
    {
        Options = change(Options);
        return this;
    }

    /// <summary>Makes the mirror's options of the present ones for the next start.</summary>
    public MirrorRig WithMirror(Func<MirrorOptions, MirrorOptions> change) =>
        With(options => options with { Mirror = change(options.Mirror) });

    /// <summary>The start fails; tells why.</summary>
    public string StartProblem<TException>()
        where TException : MapperException
    {
        Task<MappedDevice> created = BeginStart();
        Loop.RunUntilIdle();
        Assert.That(created.IsFaulted, "the start fails");
        Assert.That(created.Exception!.InnerException, Is.TypeOf<TException>());
        return created.Exception.InnerException!.Message;
    }

    public TestRequest Submit(TestRequest request)
    {
        Device.Submit(request);
        Loop.RunUntilIdle();
        return request;
    }

    public Errno Do(TestRequest request)
    {
        Submit(request);
        Assert.That(request.Completions, Is.EqualTo(1), "the request completes exactly once");
        return request.Error;
    }

    public Errno Write(long sector, long count = 8, int seed = 1, BlockFlags flags = BlockFlags.None) =>
        Do(TestRequest.Write(new Sectors(sector), TestBuffer.Random(new Sectors(count), seed), flags));

    public (Errno Error, byte[] Data) Read(long sector, long count = 8)
    {
        var buffer = new TestBuffer((int)new Sectors(count).Bytes);
        Errno error = Do(TestRequest.Read(new Sectors(sector), buffer));
        return (error, buffer.Span.ToArray());
    }

    public static byte[] Bytes(long count, int seed) => TestBuffer.Random(new Sectors(count), seed).Span.ToArray();

    /// <summary>The state file says of each leg whether it is in the set, and what it lacks.</summary>
    public void AssertRecorded(params string[] legs) => Assert.That(Recorded, Is.EqualTo(legs));

    public void AssertLegsEqual()
    {
        for (int i = 1; i < Legs.Count; i++)
        {
            int at = Legs[0].Contents().CommonPrefixLength(Legs[i].Contents());
            Assert.That(at, Is.EqualTo((int)Sectors.Bytes), $"leg 0 and leg {i} are identical");
        }
    }

    private readonly List<SidecarDevice> _sidecars = [];

    // The bytes outlive the device, as those of a file do.
    private SidecarDevice OpenSidecar(IoLoop loop, string path, long bytes)
    {
        var device = new SidecarDevice((ManualLoop)loop, path, DmIo.Sectors.FromBytes(bytes), contents => Sidecar = contents)
        {
            Holds = SidecarHolds,
        };
        Sidecar?.CopyTo(device.Contents());
        _sidecars.Add(device);
        return device;
    }

    // Whoever has the old one still waits from now on for what never comes.
    private ScriptedDevice Successor(ScriptedDevice old)
    {
        var device = new ScriptedDevice(Loop, old.Name, old.Length, old.LogicalBlockBytes) { Extents = old.Extents };
        old.Contents().CopyTo(device.Contents());
        old.Holds = true;
        Loop.Run(old.DisposeAsync);
        return device;
    }

}
