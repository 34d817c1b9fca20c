using DmIo.Testing;

namespace DmIo.Mapper.Tests;

/// <summary>
/// A mirror on a manual loop over scripted legs, with a state file in memory, that can be stopped and crashed.
/// </summary>
internal sealed class MirrorRig : IDeviceSource
{
    private readonly Dictionary<string, BlockDevice> _devices = [];

    public MirrorRig(
        int legs = 2, long sectors = 32768, long regionSize = 1024, string log = "core 2 {0} nosync",
        string features = "")
    {
        Sectors = new Sectors(sectors);
        for (int i = 0; i < legs; i++)
            AddLeg(new ScriptedDevice(Loop, $"leg{i}", Sectors));
        string places = string.Join(' ', Legs.Select(leg => $"{leg.Name} 0"));
        TableText = $"0 {sectors} mirror {string.Format(log, regionSize)} {legs} {places}{features}";
        Options = new MappedDeviceOptions
        {
            StateDirectory = "/state",
            LoggerFactory = Log,
            OpenStore = (_, _) => Store,
            Identify = (device, argument) => Identities.GetValueOrDefault(argument)
                ?? new LegIdentity { Kind = "device", Name = argument, SizeBytes = device.Length.Bytes },
            NewVolumeId = () => Guid.Empty,
        };
    }

    public ManualLoop Loop { get; } = new();

    public Sectors Sectors { get; }

    public List<ScriptedDevice> Legs { get; } = [];

    public MemoryStore Store { get; } = new("/state/vol0.mirror-0.json");

    public RecordingLoggers Log { get; } = new();

    public string TableText { get; set; }

    public MappedDeviceOptions Options { get; set; }

    /// <summary>What legs are taken for, where it is not their name.</summary>
    public Dictionary<string, LegIdentity> Identities { get; } = [];

    public MappedDevice Device { get; private set; } = null!;

    public string Status => Device.StatusLine();

    public BlockDevice Find(string deviceArgument) =>
        _devices.GetValueOrDefault(deviceArgument) ?? throw new IOException($"{deviceArgument}: ENOENT");

    public void AddDevice(string argument, BlockDevice device) => _devices[argument] = device;

    public void AddLeg(ScriptedDevice leg)
    {
        Legs.Add(leg);
        _devices[leg.Name] = leg;
    }

    public static Table Parse(string text)
    {
        var errors = new List<TableError>();
        return TableParser.Parse(text, errors) ?? throw new InvalidOperationException(string.Join('\n', errors));
    }

    public MirrorRig Start()
    {
        Task<MappedDevice> created = MappedDevice.CreateAsync(Loop, "vol0", Parse(TableText), this, Options);
        Device = Loop.Finish(created);
        return this;
    }

    /// <summary>Starts while something is held, so that not everything comes to rest.</summary>
    public MirrorRig StartBusy()
    {
        Task<MappedDevice> created = MappedDevice.CreateAsync(Loop, "vol0", Parse(TableText), this, Options);
        Loop.RunUntilIdle();
        Device = created.GetAwaiter().GetResult();
        return this;
    }

    public void Stop()
    {
        Loop.Finish(Device.StopAsync());
        Loop.Run(Device.DisposeAsync);
    }

    /// <summary>
    /// The program ends without a word: what the legs and the state file hold stays, what was held is lost.
    /// </summary>
    public void Crash()
    {
        // Nothing moves in the old device afterwards: it waits for what will never come.
        Loop.RunUntilIdle();
        Store.Crash();
        for (int i = 0; i < Legs.Count; i++)
        {
            var leg = new ScriptedDevice(Loop, Legs[i].Name, Sectors) { Extents = Legs[i].Extents };
            Legs[i].Contents().CopyTo(leg.Contents());
            Loop.Run(Legs[i].DisposeAsync);
            _devices[leg.Name] = Legs[i] = leg;
        }
    }

    public void FreeLegs() => Legs.ForEach(leg => Loop.Run(leg.DisposeAsync));

    /// <summary>Makes options of the present ones for the next start.</summary>
    public MirrorRig With(Func<MappedDeviceOptions, MappedDeviceOptions> change)
    {
        Options = change(Options);
        return this;
    }

    /// <summary>The start fails; tells why.</summary>
    public string StartProblem<TException>()
        where TException : MapperException
    {
        Task<MappedDevice> created = MappedDevice.CreateAsync(Loop, "vol0", Parse(TableText), this, Options);
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

    /// <summary>The state file names the legs' states.</summary>
    public void AssertRecorded(params LegState[] states) =>
        Assert.That(Store.State.Legs.Select(leg => leg.State), Is.EqualTo(states));

    public void AssertLegsEqual()
    {
        for (int i = 1; i < Legs.Count; i++)
        {
            int at = Legs[0].Contents().CommonPrefixLength(Legs[i].Contents());
            Assert.That(at, Is.EqualTo((int)Sectors.Bytes), $"leg 0 and leg {i} are identical");
        }
    }
}
