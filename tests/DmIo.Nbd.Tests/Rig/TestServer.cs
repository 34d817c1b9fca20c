using System.Net;
using DmIo.Testing;

namespace DmIo.Nbd.Tests;

/// <summary>
/// A server with one export, <c>vol0</c>, over a scripted device, on loops of its own: one for the front, one for the
/// device, so that every test crosses from one to the other.
/// </summary>
internal sealed class TestServer : IDisposable
{
    public const int DefaultBytes = 1 << 20;

    private readonly string _directory = Directory.CreateTempSubdirectory("dmio-nbd-").FullName;
    private readonly KernelLoop _front = KernelLoop.Open("front", LoopBackend.Threads, out _);
    private readonly KernelLoop _loop = KernelLoop.Open("device", LoopBackend.Threads, out _);
    private readonly PassThroughDevice _export;

    public TestServer(
        NbdLimits? limits = null, int sizeBytes = DefaultBytes, int blockBytes = Sectors.SizeBytes,
        bool readOnly = false, Action<ScriptedDevice>? device = null, int memoryAlignmentBytes = 1,
        bool overTcp = false, NbdTls? tls = null, NbdAllow? allow = null)
    {
        _front.Start();
        _loop.Start();
        Device = new AligningDevice(_loop, Sectors.FromBytes(sizeBytes), blockBytes, memoryAlignmentBytes);
        device?.Invoke(Device);
        _export = new PassThroughDevice(Device);
        Server = new NbdServer(_front, limits ?? new NbdLimits(), Log, tls, allow);
        Server.AddExport(new NbdExport("vol0", _export, readOnly, "the first"));
        Listener = overTcp
            ? Wait(Server.ListenTcpAsync(new IPEndPoint(IPAddress.Loopback, 0)))
            : Wait(Server.ListenUnixAsync(PathOf("s")));
    }

    public RecordingLoggers Log { get; } = new();

    public NbdServer Server { get; }

    public NbdListener Listener { get; }

    /// <summary>To be touched on its loop alone: <see cref="OnLoop{T}"/>.</summary>
    public ScriptedDevice Device { get; }

    public KernelLoop Loop => _loop;

    public KernelLoop Front => _front;

    public OrderedDevice Export => _export;

    public static T Wait<T>(Task<T> task)
    {
        Assert.That(task.Wait(TimeSpan.FromSeconds(20)), Is.True, "it takes too long");
        return task.Result;
    }

    public static void Wait(Task task) =>
        Assert.That(task.Wait(TimeSpan.FromSeconds(20)), Is.True, "it takes too long");

    public string PathOf(string name) => Path.Combine(_directory, name);

    public NbdProbe Connect() => new(Listener.Address);

    public NbdProbe Go(string export = "") => Connect().Go(export);

    /// <summary>A second export of the same device, which only TLS leads to.</summary>
    public void AddSecret() =>
        Server.AddExport(new NbdExport("secret", _export, readOnly: false) { RequiresTls = true });

    public T OnLoop<T>(Func<ScriptedDevice, T> look) => Wait(_loop.InvokeAsync(() => new ValueTask<T>(look(Device))));

    public void OnLoop(Action<ScriptedDevice> act) => OnLoop(device =>
    {
        act(device);
        return 0;
    });

    /// <summary>Waits until connections have heard what the front loop has told them so far.</summary>
    public void LetFrontBeHeard()
    {
        Wait(_front.InvokeAsync(() => new ValueTask<int>(0)));
        OnLoop(_ => 0);
    }

    /// <summary>The device's bytes, now.</summary>
    public byte[] Contents() => OnLoop(d => d.Contents().ToArray());

    /// <summary>Waits until the device holds so many requests.</summary>
    public void WaitForHeld(int count) =>
        Assert.That(() => OnLoop(d => d.Held.Count), Is.EqualTo(count).After(5000, 2), "requests held");

    /// <summary>Waits until so many bytes of the loop's memory are in use.</summary>
    public void WaitForRented(long bytes) =>
        Assert.That(() => Wait(Server.ReadHeldAsync()).Bytes, Is.EqualTo(bytes).After(5000, 2), "bytes in use");

    /// <summary>Waits until so many connections stand in line for what the loop's connections share.</summary>
    public void WaitForWaiting(int count) =>
        Assert.That(() => Wait(Server.ReadHeldAsync()).Waiting, Is.EqualTo(count).After(5000, 2), "connections in line");

    /// <summary>Waits until so many changes have been accepted and have not ended.</summary>
    public void WaitForTurns(int count) =>
        Assert.That(() => OnLoop(_ => _export.Turns.Count), Is.EqualTo(count).After(5000, 2), "changes under way");

    public void WaitForConnections(int count) =>
        Assert.That(() => Server.ConnectionCount, Is.EqualTo(count).After(5000, 2), "connections");

    public void Dispose()
    {
        OnLoop(d =>
        {
            d.Holds = false;
            d.ReleaseAll();
        });
        Wait(Server.DisposeAsync().AsTask());
        Wait(_loop.InvokeAsync(() => _export.DisposeAsync()));
        _loop.Dispose();
        _front.Dispose();
        Directory.Delete(_directory, recursive: true);
        foreach ((int id, _, string text) in Log.Lines)
            Assert.That(id, Is.Not.EqualTo(3015), text);
    }

    private sealed class AligningDevice(IoLoop loop, Sectors length, int blockBytes, int memoryAlignmentBytes)
        : ScriptedDevice(loop, "scripted", length, blockBytes)
    {
        public override int MemoryAlignmentBytes => memoryAlignmentBytes;

        // What dm-io refuses is refused here: segments that are not whole blocks, memory that is not aligned.
        public override void Submit(BlockRequest request)
        {
            bool isWhole = true;
            foreach (IoSegment segment in request.Data)
            {
                isWhole &= segment.LengthBytes % LogicalBlockBytes == 0;
                isWhole &= segment.Address % memoryAlignmentBytes == 0;
            }
            if (!isWhole)
                request.Complete(Loop, Errno.EBADF);
            else
                base.Submit(request);
        }
    }
}
