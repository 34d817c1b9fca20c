using DmIo.Mapper;

namespace DmIo.Benchmarks.Mirror;

/// <summary>A mirror on a kernel's loop whose legs can hang, with a state directory of its own. Removes it at the end.</summary>
internal sealed class HangingMirror : IDeviceSource, IDisposable
{
    private static readonly Sectors s_length = Sectors.FromBytes(64 << 20);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private readonly string _state = Directory.CreateTempSubdirectory("hanging-mirror-").FullName;
    private readonly KernelLoop _loop = KernelLoop.Open("volume", LoopBackend.Auto, out _);
    private readonly HangingDevice[] _legs;
    private readonly MappedDevice _device;
    private readonly MirrorLoad _load;

    public HangingMirror(int legs, string log, int depth, TimeSpan deadline, int seed)
    {
        _loop.Start();
        _legs = [.. Enumerable.Range(0, legs).Select(i => new HangingDevice(_loop, $"leg{i}", s_length))];
        string words = log == "core" ? "core 2 1024 nosync" : "disk 3 log 1024 nosync";
        var errors = new List<TableError>();
        Table table = TableParser.Parse(
            $"0 {s_length.Count} mirror {words} {legs} {string.Join(' ', _legs.Select(l => $"{l.Name} 0"))}", errors)
            ?? throw new InvalidOperationException(string.Join('\n', errors));
        var options = new MappedDeviceOptions
        {
            StateDirectory = _state,
            Mirror = new MirrorOptions { LegDeadline = deadline, ProbeAfter = TimeSpan.FromMilliseconds(20) },
        };
        _device = OnLoop(async () => await MappedDevice.CreateAsync(_loop, "bench", table, this, options));
        _load = new MirrorLoad(_device, depth, seed)
        {
            CaughtTicks = (long)(deadline.TotalSeconds / 2 * System.Diagnostics.Stopwatch.Frequency),
        };
    }

    /// <summary>What the last turn measured.</summary>
    public MirrorLoad Load => _load;

    /// <summary>The most operations that ever hung at once.</summary>
    public int MostHung => _legs[^1].MostWaiting;

    public BlockDevice Find(string deviceArgument) => deviceArgument == "log"
        ? new MemoryDevice(_loop, "log", new Sectors(4096))
        : _legs.Single(l => l.Name == deviceArgument);

    public void RunHealthy(TimeSpan turn) => Run(turn, waitsForCaught: false);

    /// <summary>
    /// The last leg hangs, from before the turn, which begins when the first operation that hangs is answered. Afterwards
    /// the leg answers and is given what it lacks.
    /// </summary>
    public void RunHanging(TimeSpan turn)
    {
        Do(_legs[^1].Hang);
        Run(turn, waitsForCaught: true);
        Do(_legs[^1].Answer);
        long start = Environment.TickCount64;
        while (!IsInSync())
        {
            if (Environment.TickCount64 - start > s_patience.TotalMilliseconds)
                throw new InvalidOperationException($"the leg does not come back: {_device.StatusLine()}");
            Thread.Sleep(5);
        }
    }

    public void Dispose()
    {
        OnLoop(async () =>
        {
            await _device.StopAsync();
            await _device.DisposeAsync();
            return 0;
        });
        _loop.Dispose();
        Directory.Delete(_state, recursive: true);
    }

    private void Run(TimeSpan turn, bool waitsForCaught) => OnLoop(async () =>
    {
        await _load.RunAsync(turn, waitsForCaught);
        return 0;
    });

    // As dmsetup prints it: "... 128/128 1 AA ...".
    private bool IsInSync() => OnLoop(() => new ValueTask<bool>(
        _device.StatusLine().Contains($" {new string('A', _legs.Length)} ", StringComparison.Ordinal)));

    private void Do(Action action) => OnLoop(() =>
    {
        action();
        return new ValueTask<int>(0);
    });

    private T OnLoop<T>(Func<ValueTask<T>> action) => _loop.InvokeAsync(action).GetAwaiter().GetResult();
}
