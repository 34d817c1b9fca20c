using DmIo.Testing;

namespace DmIo.Mapper.Tests;

/// <summary>
/// A mirror's lives as a seed determines them: clients, disks with caches that fail, hang, go and come back, a log device
/// that does so too, time, power cuts, kills, clean stops, and starts with whichever legs are there. The engine is the real
/// one. Checked are every byte that is read against what may be read there (<see cref="HistoryModel"/>), at every end of a
/// life that a clean bit means identical legs, and at rest that all legs are equal and hold what was acknowledged.
/// </summary>
internal sealed partial class MirrorSimulation : IDeviceSource
{
    private const int MaxUnderWay = 24;

    private readonly Random _random;
    private readonly PlantedFault _fault;
    private readonly int _block;
    private readonly HistoryClient _client;
    private readonly StoryLoggers _loggers;
    private readonly HistoryModel _model;
    private MemoryStore _store = new("/state/vol0.mirror-0.json");
    private readonly long _length;
    private readonly long _regionSize;
    private readonly bool _usesSidecar;
    private readonly bool _isLogSlow;
    private int _made;
    private bool _isReplacing;
    private readonly HashSet<string> _missing = [];
    private MappedDeviceOptions _options;
    private ManualLoop _loop = new();
    private MappedDevice? _device;

    public MirrorSimulation(int seed, Story? story = null, PlantedFault? fault = null)
    {
        _random = new Random(seed);
        // Its own, so that other seeds' lives go on as they did.
        _scrubRandom = new Random(~seed);
        _fault = fault ?? new PlantedFault("none");
        Story = story;
        _loggers = new StoryLoggers(Story);
        Coverage.Counted = LogLanded;
        _length = 512 << _random.Next(3);
        _regionSize = 8 << _random.Next(6);
        _block = _random.Next(4) == 0 ? 4096 : 512;
        int legs = _random.Next(16) switch { 0 => _random.Next(4, MostLegs + 1), < 5 => 3, _ => 2 };
        for (int i = 0; i < legs; i++)
            Legs.Add(NewLeg());
        HasDiskLog = _random.Next(4) > 0;
        if (HasDiskLog)
        {
            int logBlock = _random.Next(3) == 0 ? 4096 : 512;
            // A device that has room for the record too, or one that has not.
            long room = _random.Next(3) > 0 ? RecordArea.SizeOf(_length / _regionSize) + 16384 : 0;
            _usesSidecar = room == 0;
            Log = new SimulatedMedia(
                _random, "log", Sectors.FromBytes(room > 0 ? room / 4096 * 4096 : LogImage.BufferBytes(_length / _regionSize, logBlock)),
                logBlock, Coverage)
            {
                Story = Story,
                LatencyMean = TimeSpan.FromMilliseconds(_random.Next(3)),
            };
            Sidecar = new SimulatedMedia(
                _random, "sidecar", Sectors.FromBytes(RecordArea.SizeOf(_length / _regionSize)), 512, Coverage)
            {
                Story = Story,
                LatencyMean = TimeSpan.FromMilliseconds(_random.Next(3)),
            };
        }
        _isLogSlow = HasDiskLog && _random.Next(4) == 0;
        _model = new HistoryModel(_length, HistoryOrder.Submission, HistorySettling.Never);
        _client = new HistoryClient(_model) { Story = Story, FlushErrorsSpoilReads = true, OnCompleted = CountEnd };
        _options = Options(legs) with { LegsAreFresh = true };
    }

    /// <summary>Lives out what a seed determines.</summary>
    /// <returns>What went wrong, and where; null when nothing did.</returns>
    public string? Live(int steps)
    {
        try
        {
            Run(steps);
            return null;
        }
#pragma warning disable CA1031 // Whatever it is, it is the finding.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return $"step {Step}: {(e is HistoryViolationException ? e.Message : e.ToString())}";
        }
    }

    /// <summary>The legs in the order of the table.</summary>
    public List<SimulatedMedia> Legs { get; } = [];

    public SimulatedMedia? Log { get; private set; }

    public SimulatedMedia? Sidecar { get; private set; }

    public bool HasDiskLog { get; }

    /// <summary>Where events are told; null: nowhere, which is faster by far.</summary>
    public Story? Story { get; }

    /// <summary>Steps that have been begun.</summary>
    public int Step { get; private set; }

    public DiskCoverage Coverage { get; } = new();

    /// <summary>What the seed has reached.</summary>
    public Dictionary<string, long> Reached { get; } = [];

    private MirrorTarget Mirror => (MirrorTarget)_device!.Targets[0];

    private LegSet Knowledge => Mirror.Knowledge;

    // Not while neither a new table nor the one before can be taken.
    private bool IsMirror => _device!.Targets is [MirrorTarget, ..];

    // A log without a deadline is waited for, at a start and a stop too.
    private bool CanLogHang => HasDiskLog && _options.Mirror.LegDeadline > TimeSpan.Zero;

    public void Run(int steps)
    {
        Start();
        _options = _options with { LegsAreFresh = false };
        while (Step < steps)
        {
            Step++;
            TakeStep();
            AssertNoBug();
        }
        Rest();
        Stop();
        CheckLog("a clean stop");
        Start();
        Rest();
        // An end without a word, so that nothing is left to do for the loop.
        PowerCut();
        foreach ((string line, long times) in _loggers.Told)
            Reach($"told: {line}", times);
    }

    public BlockDevice Find(string deviceArgument)
    {
        if (_opened.TryGetValue(deviceArgument, out BlockDevice? opened))
            return opened;
        BlockDevice device;
        if (deviceArgument == "log")
            device = _fault.LogDevice(Log!.Open(_loop));
        else if (_missing.Contains(_places[deviceArgument].Name))
            device = new MissingDevice(_loop, deviceArgument, "the simulation took it away");
        else
            device = _fault.Leg(_places[deviceArgument].Open(_loop));
        _opened.Add(deviceArgument, device);
        return device;
    }

    private void Reach(string what, long count = 1) => Reached[what] = Reached.GetValueOrDefault(what) + count;

    private SimulatedMedia NewLeg()
    {
        string name = $"leg{_made++}";
        var coverage = new DiskCoverage { Counted = what => LegDid(name, what) };
        return new SimulatedMedia(_random, name, new Sectors(_length), _block, coverage)
        {
            Story = Story,
            TellsHoles = _random.Next(2) == 0,
            DiscardZeroes = _random.Next(2) == 0,
            HasCache = _random.Next(8) > 0,
            LatencyMean = TimeSpan.FromMilliseconds(_random.Next(4)),
        };
    }

    private MappedDeviceOptions Options(int legs) => new()
    {
        StateDirectory = "/state",
        LoggerFactory = _loggers,
        OpenStore = (_, _) => _fault.Store(_store),
        OpenSidecar = (loop, _, _) => _fault.LogDevice(Sidecar!.Open(loop)),
        Identify = (device, argument) => device is MissingDevice ? LegIdentity.Of(device, argument) : new LegIdentity
        {
            Kind = "disk",
            Name = argument,
            Serial = _fault.IgnoresIdentity ? argument : device.Name,
            SizeBytes = new Sectors(_length).Bytes,
        },
        WrapLog = _fault.Log,
        Faults = _fault.Engine,
        NewVolumeId = () => new Guid(1, 2, 3, [4, 5, 6, 7, 8, 9, 10, 11]),
        CopyChunk = new Sectors(8 << _random.Next(6)),
        Mirror = new MirrorOptions
        {
            CleanAfter = _random.Next(3) switch
            {
                0 => TimeSpan.Zero,
                1 => TimeSpan.FromMilliseconds(20),
                _ => TimeSpan.FromSeconds(2),
            },
            RecoveryRateBytes = _random.Next(4) == 0 ? 1 << 20 : 0,
            ProbeAfter = TimeSpan.FromMilliseconds(200),
            ProbeLimit = TimeSpan.FromSeconds(2),
            WriteQuorum = _random.Next(3) == 0 ? _random.Next(1, legs + 1) : 0,
            // Less than a leg needs to come back, and more.
            HoldFailedWrites = _random.Next(8) switch
            {
                0 => TimeSpan.FromMilliseconds(50),
                1 => TimeSpan.FromSeconds(1),
                _ => TimeSpan.Zero,
            },
            LegDeadline = _random.Next(3) switch
            {
                0 => TimeSpan.Zero,
                1 => TimeSpan.FromMilliseconds(30),
                _ => TimeSpan.FromMilliseconds(300),
            },
            LogRetryAfter = TimeSpan.FromMilliseconds(_random.Next(2) == 0 ? 20 : 300),
            WhenUnrecorded = _random.Next(2) == 0 ? WhenUnrecorded.Fail : WhenUnrecorded.Hold,
            ReadErrorLimit = _random.Next(3) == 0 ? 2 : 1000,
            WriteMostlyLegs = _random.Next(4) == 0 ? 1UL << _random.Next(legs) : 0,
            PreferredLeg = _random.Next(4) == 0 ? _random.Next(legs) : null,
        },
    };

    private void TakeStep()
    {
        if (_client.UnderWay < MaxUnderWay)
            Ask();
        if (_random.Next(30) == 0)
            Happen();
        ScrubNowAndThen();
        if (_endsSoon)
            EndLife();
        if (_random.Next(3) == 0)
            _loop.Time.Advance(TimeSpan.FromMilliseconds(_random.NextDouble() * (_random.Next(20) == 0 ? 500 : 4)));
        if (_random.Next(2) != 0)
            return;
        _loop.RunUntilIdle();
        ForgetDecided();
        NoteRecordedFlush();
    }

    private void Ask()
    {
        long unit = _device!.LogicalBlockBytes / Sectors.SizeBytes;
        long start = SomePlace() / unit * unit;
        long most = _random.Next(12) == 0 ? _length / 2 : _random.Next(1, 24);
        long count = Math.Min(Math.Max(unit, _random.NextInt64(1, most + 1) / unit * unit), _length - start);
        if (TouchesFlipped(start, count))
            return;
        BlockFlags flags = _random.Next(8) switch
        {
            0 or 1 => BlockFlags.Fua,
            2 => BlockFlags.Preflush,
            _ => BlockFlags.None,
        };
        switch (_random.Next(20))
        {
            case < 8:
                _client.Read(start, count);
                break;
            case < 15:
                _client.Write(start, count, flags);
                break;
            case 15:
                _client.Zero(BlockOperation.WriteZeroes, start, count, flags);
                break;
            case 16:
                _client.Zero(BlockOperation.Discard, start, count);
                break;
            default:
                _client.Flush();
                break;
        }
    }

    // Few places, so that requests meet.
    private long SomePlace() =>
        _random.Next(3) == 0 ? _random.NextInt64(_length) : _random.Next(3) * _length / 4 + _random.Next(40);

    private void CountEnd(HistoryRequest request)
    {
        if (request.Error == Errno.None)
        {
            Reach($"{request.Operation} ok");
            // One that was asked before the trouble may be answered after it, and tells nothing of it.
            if (request.Operation == BlockOperation.Flush && request.Flush.SubmittedAt > _troubleAt)
                _troubleSinceFlush = false;
            return;
        }
        Reach($"{request.Operation} {request.Error}");
        // A flush tells of what one of the mirror's own could not save since the last.
        bool isFlush = request.Operation == BlockOperation.Flush || (request.Flags & BlockFlags.Preflush) != 0;
        if (!InTrouble() && !(isFlush && _troubleSinceFlush))
            throw new HistoryViolationException(
                $"a {request.Operation} at {request.Start} failed with {request.Error} and nothing is broken");
    }

    private void AssertNoBug()
    {
        if (_loggers.Bug is { } bug)
            throw new HistoryViolationException(bug);
    }
}
