using DmIo.Mapper;
using DmIo.Testing;

namespace DmIo.Benchmarks.Mirror;

/// <summary>A mirror of two memory legs on a manual loop, with a state directory of its own. Removes it at the end.</summary>
internal sealed class MirrorBench : IDeviceSource, IDisposable
{
    public const long RegionSectors = 1024;

    private static readonly Sectors s_length = new(64 * RegionSectors); // A few regions more than any batch touches.

    private readonly string _state = Directory.CreateTempSubdirectory("mirror-bench-").FullName;
    private readonly ManualLoop _loop = new();
    private readonly MappedDevice _device;

    public MirrorBench(string log, MirrorOptions options)
    {
        Log = new CountingDevice(_loop, "log", new Sectors(4096));
        string words = log == "core" ? $"core 2 {RegionSectors} nosync" : $"disk 3 log {RegionSectors} nosync";
        var errors = new List<TableError>();
        Table table = TableParser.Parse($"0 {s_length.Count} mirror {words} 2 a 0 b 0", errors)
            ?? throw new InvalidOperationException(string.Join('\n', errors));
        var deviceOptions = new MappedDeviceOptions { StateDirectory = _state, Mirror = options };
        _device = _loop.Finish(MappedDevice.CreateAsync(_loop, "bench", table, this, deviceOptions));
    }

    /// <summary>The log's device, which counts.</summary>
    public CountingDevice Log { get; }

    public BlockDevice Find(string deviceArgument) => deviceArgument == "log"
        ? Log
        : new MemoryDevice(_loop, deviceArgument, s_length);

    /// <summary>Submits all and runs until they have ended.</summary>
    public void Run(ReadOnlySpan<TestRequest> requests)
    {
        foreach (TestRequest request in requests)
            _device.Submit(request);
        _loop.RunUntilIdle();
    }

    public void Advance(TimeSpan by) => _loop.Time.Advance(by);

    public void Dispose()
    {
        _loop.Finish(_device.StopAsync());
        _loop.Run(_device.DisposeAsync);
        Directory.Delete(_state, recursive: true);
    }
}
