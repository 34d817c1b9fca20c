using System.Net;
using DmIo.Mapper;
using DmIo.Testing;

namespace DmIo.Nbd.Tests;

/// <summary>
/// A server with exports of all kinds, on loops of its own, that cases are run against one after the other; and a client
/// that is there all the time and must be served whatever the others do.
/// </summary>
internal sealed class FuzzWorld : IDeviceSource, IDisposable
{
    /// <summary>Bytes of the exports that have memory.</summary>
    public const int SizeBytes = 256 << 10;

    /// <summary>
    /// How long a client of a crowded world may keep memory that others wait for: it is cut off within twice of that.
    /// </summary>
    public static readonly TimeSpan StallTimeout = TimeSpan.FromSeconds(1);

    private const long EndlessBytes = 1L << 62;

    // Longer than anything takes here, also on a machine that has much else to do.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    // Of the loops, before connections whose clients have gone are gone: more than a second, whatever else the machine does.
    private const int MostTurns = 20_000;

    private static readonly byte[] s_content = Content();

    private readonly string _directory = Directory.CreateTempSubdirectory("dmio-nbd-").FullName;
    private readonly KernelLoop _front = KernelLoop.Open("front", LoopBackend.Threads, out _);
    private readonly KernelLoop _loop = KernelLoop.Open("volumes", LoopBackend.Threads, out _);
    private readonly List<OrderedDevice> _devices = [];
    private readonly List<(FuzzExport Export, ScriptedDevice[] Devices)> _memories = [];
    private readonly List<FuzzExport> _exports = [];
    private readonly ScriptedDevice[] _legs;
    private readonly FuzzControl _control;
    private bool _hasBegun;

    public FuzzWorld(FuzzWorldKind kind)
    {
        Kind = kind;
        Limits = LimitsOf(kind);
        _front.Start();
        _loop.Start();
        Server = new NbdServer(_front, Limits, Log);
        var length = Sectors.FromBytes(SizeBytes);
        _legs = [new ScriptedDevice(_loop, "a", length), new ScriptedDevice(_loop, "b", length)];
        AddMemory(new FuzzExport("vol0", SizeBytes)
        {
            Description = "the first",
            CanZeroFast = true,
            Content = new FuzzContent(SizeBytes),
        });
        AddMemory(new FuzzExport("blocks", SizeBytes)
        {
            BlockBytes = 4096,
            CanTrim = false,
            Content = new FuzzContent(SizeBytes),
        });
        AddMemory(new FuzzExport("faulty", SizeBytes) { MayFail = true, Content = new FuzzContent(SizeBytes) });
        AddMemory(new FuzzExport("only-read", SizeBytes) { IsReadOnly = true, Content = new FuzzContent(SizeBytes) });
        AddMemory(new FuzzExport("late", SizeBytes) { Description = "später", Content = new FuzzContent(SizeBytes) });
        Add(new FuzzExport("endless", EndlessBytes) { CanZeroFast = true, IsForgetful = true }, new EndlessDevice(_loop, EndlessBytes));
        AddMirror(length);
        AddMemory(new FuzzExport("control", SizeBytes));
        Listener = kind == FuzzWorldKind.Tcp
            ? Wait(Server.ListenTcpAsync(new IPEndPoint(IPAddress.Loopback, 0)))
            : Wait(Server.ListenUnixAsync(Path.Combine(_directory, "s")));
        _control = new FuzzControl(Listener.Address);
    }

    public FuzzWorldKind Kind { get; }

    public NbdLimits Limits { get; }

    public RecordingLoggers Log { get; } = new();

    public NbdServer Server { get; }

    public NbdListener Listener { get; }

    public IReadOnlyList<FuzzExport> Exports => _exports;

    public BlockDevice Find(string deviceArgument) => _legs.Single(l => l.Name == deviceArgument);

    /// <summary>Does something on each of the loops, one after the other.</summary>
    public void OnEachLoop(Action act)
    {
        foreach (KernelLoop loop in (KernelLoop[])[_front, _loop])
            OnLoop(loop, act);
    }

    /// <summary>Waits until each of the loops has turned once more.</summary>
    public void LetTurn() => OnEachLoop(() => { });

    /// <summary>Gives all exports the bytes with which every case begins: a third of them zeroes, in runs.</summary>
    public void Begin()
    {
        OnLoop(_loop, () =>
        {
            foreach ((FuzzExport export, ScriptedDevice[] devices) in _memories)
            {
                if (_hasBegun && IsUntouched(devices))
                    continue;
                foreach (ScriptedDevice device in devices)
                {
                    s_content.CopyTo(device.Contents());
                    device.ClearLog();
                }
                export.Content?.Begin(s_content);
            }
        });
        _hasBegun = true;
        Log.Clear();
    }

    /// <summary>Checks that all clients' ends have left nothing behind, and that the devices hold what they must.</summary>
    public void CheckEnd()
    {
        for (int turns = 0; Server.ConnectionCount > 1; turns++)
        {
            Expect(turns < MostTurns, $"{Server.ConnectionCount - 1} connections stay although their clients have gone");
            LetTurn();
        }
        _control.Check();
        (long bytes, int objects, _) = Wait(Server.ReadHeldAsync());
        Expect(bytes == 0 && objects == 0 && Server.PinnedBytes == 0, $"{bytes} bytes and {objects} objects stay in use");
        OnLoop(_loop, CheckDevices);
        foreach ((int id, _, string text) in Log.Lines)
            Expect(id is not (3004 or 3005 or 3015 or 3018), text);
    }

    public void Dispose()
    {
        _control.Dispose();
        Wait(Server.DisposeAsync().AsTask());
        Wait(_loop.InvokeAsync(async () =>
        {
            foreach (OrderedDevice device in _devices)
            {
                if (device is MappedDevice mirror)
                    await mirror.StopAsync();
                await device.DisposeAsync();
            }
        }));
        _loop.Dispose();
        _front.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static NbdLimits LimitsOf(FuzzWorldKind kind)
    {
        var little = new NbdLimits
        {
            MaxPayloadBytes = BufferPool.MaxBytes,
            MaxBytesInFlightPerLoop = Transmission.LoopMemory.LeastBytes(BufferPool.MaxBytes),
        };
        return kind switch
        {
            FuzzWorldKind.Crowded => little with { MaxUnsentBytes = 64 << 20, StallTimeout = StallTimeout },
            FuzzWorldKind.Tight => little with
            {
                MaxOptions = 8,
                MaxRequestsInFlight = 3,
                MaxBytesInFlight = 64 << 10,
                MaxUnsentBytes = 4096,
                StallTimeout = StallTimeout,
            },
            _ => new NbdLimits(),
        };
    }

    private static byte[] Content()
    {
        byte[] content = Bytes.Random(SizeBytes, 1);
        content.AsSpan((32 << 10)..(72 << 10)).Clear();
        content.AsSpan((100 << 10)..(104 << 10)).Clear();
        content.AsSpan(200 << 10).Clear();
        return content;
    }

    private static bool IsUntouched(ScriptedDevice[] devices) => Array.TrueForAll(devices, d => d.Log.Count == 0);

    private static void Expect(bool isSo, string otherwise)
    {
        if (!isSo)
            throw new FuzzFailureException(otherwise);
    }

    private static T Wait<T>(Task<T> task)
    {
        Wait((Task)task);
        return task.Result;
    }

    private static void Wait(Task task)
    {
        Expect(((IAsyncResult)task).AsyncWaitHandle.WaitOne(s_patience), "a loop does not answer");
        task.GetAwaiter().GetResult();
    }

    private static void OnLoop(KernelLoop loop, Action act) => Wait(loop.InvokeAsync(() =>
    {
        act();
        return ValueTask.CompletedTask;
    }));

    // Holes and zeroes as they are at the moment.
    private static List<BlockExtent> FindExtents(ScriptedDevice device, Sectors start, Sectors count)
    {
        var extents = new List<BlockExtent>();
        var step = new Sectors(8);
        for (Sectors at = start; at < start + count;)
        {
            Sectors here = Sectors.Min(step - new Sectors(at.Count % step.Count), start + count - at);
            bool isZero = !device.Contents(at, here).ContainsAnyExcept((byte)0);
            extents.Add(new BlockExtent(at, here, !isZero ? ExtentKind.Data : at.Count < 300 ? ExtentKind.Hole : ExtentKind.Zero));
            at += here;
        }
        return extents;
    }

    private void AddMemory(FuzzExport export)
    {
        var length = Sectors.FromBytes(export.SizeBytes);
        ScriptedDevice device = export.Name == "late"
            ? new LateDevice(_loop, export.Name, length)
            : new ScriptedDevice(_loop, export.Name, length, export.BlockBytes);
        device.ZeroesFast = export.CanZeroFast;
        device.DiscardCapability = export.CanTrim ? new Sectors(40) : Sectors.Zero;
        device.WriteZeroesCapability = export.BlockBytes > Sectors.SizeBytes ? Sectors.Zero : new Sectors(24);
        device.Extents = (start, count) => FindExtents(device, start, count);
        if (export.MayFail)
        {
            device.Fail(new Sectors(80), new Sectors(3), Errno.EIO, BlockOperation.Read);
            device.Fail(new Sectors(128), new Sectors(8), Errno.EIO);
            device.Fail(new Sectors(200), new Sectors(1), Errno.EDQUOT, BlockOperation.Write);
            device.Fail(new Sectors(300), new Sectors(20), Errno.EOPNOTSUPP, BlockOperation.WriteZeroes);
            device.Fail(new Sectors(350), new Sectors(20), Errno.EOPNOTSUPP, BlockOperation.Discard);
        }
        _memories.Add((export, [device]));
        Add(export, new PassThroughDevice(device));
    }

    private void AddMirror(Sectors length)
    {
        var errors = new List<TableError>();
        Table table = TableParser.Parse($"0 {length.Count} mirror core 2 128 nosync 2 a 0 b 0", errors)
            ?? throw new InvalidOperationException(string.Join('\n', errors));
        MappedDevice mirror = Wait(_loop.InvokeAsync(async () => await MappedDevice.CreateAsync(
            _loop, "mirror", table, this, new MappedDeviceOptions { StateDirectory = _directory })));
        var export = new FuzzExport("mirror", SizeBytes)
        {
            HasLegs = true,
            CanTrim = mirror.DiscardLimit > Sectors.Zero,
            CanZeroFast = mirror.CanZeroFast,
            Content = new FuzzContent(SizeBytes),
        };
        _memories.Add((export, _legs));
        Add(export, mirror);
    }

    private void Add(FuzzExport export, OrderedDevice device)
    {
        _exports.Add(export);
        _devices.Add(device);
        Server.AddExport(new NbdExport(
            export.Name, device, export.IsReadOnly, export.Description.Length > 0 ? export.Description : null));
    }

    private void CheckDevices()
    {
        foreach (OrderedDevice device in _devices)
            Expect(device.Turns.Count == 0, $"{device.Name}: {device.Turns.Count} turns are never given back");
        foreach ((FuzzExport export, ScriptedDevice[] devices) in _memories)
        {
            if (IsUntouched(devices))
                continue;
            long wrong = export.Content?.FindWrong(0, devices[0].Contents(), long.MaxValue - 1) ?? -1;
            Expect(wrong < 0, $"{export.Name}: byte {wrong:x} is not what was acknowledged");
            foreach (ScriptedDevice device in devices)
                Expect(device.Contents().SequenceEqual(devices[0].Contents()), $"{export.Name}: the legs differ");
        }
    }
}
