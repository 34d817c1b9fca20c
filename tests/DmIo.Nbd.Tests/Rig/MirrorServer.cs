using System.Net;
using DmIo.Mapper;
using DmIo.Testing;

namespace DmIo.Nbd.Tests;

/// <summary>A server over a mirror of two scripted legs: the whole way of a write but the disks.</summary>
internal sealed class MirrorServer : IDeviceSource, IDisposable
{
    public const int SizeBytes = 1 << 20;

    private readonly string _directory = Directory.CreateTempSubdirectory("dmio-nbd-").FullName;
    private readonly KernelLoop _front = KernelLoop.Open("front", LoopBackend.Threads, out _);
    private readonly KernelLoop _loop = KernelLoop.Open("volume", LoopBackend.Threads, out _);
    private readonly MappedDevice _mirror;

    public MirrorServer(bool overTcp)
    {
        _front.Start();
        _loop.Start();
        var length = Sectors.FromBytes(SizeBytes);
        Legs = [new ScriptedDevice(_loop, "a", length), new ScriptedDevice(_loop, "b", length)];
        var errors = new List<TableError>();
        Table table = TableParser.Parse($"0 {length.Count} mirror core 2 128 nosync 2 a 0 b 0", errors)!;
        Assert.That(errors, Is.Empty);
        _mirror = TestServer.Wait(_loop.InvokeAsync(async () => await MappedDevice.CreateAsync(
            _loop, "vol0", table, this, new MappedDeviceOptions { StateDirectory = _directory })));
        Server = new NbdServer(_front, new NbdLimits(), new RecordingLoggers());
        Server.AddExport(new NbdExport("vol0", _mirror, readOnly: false));
        Listener = overTcp
            ? TestServer.Wait(Server.ListenTcpAsync(new IPEndPoint(IPAddress.Loopback, 0)))
            : TestServer.Wait(Server.ListenUnixAsync(Path.Combine(_directory, "s")));
    }

    /// <summary>To be touched on their loop alone.</summary>
    public ScriptedDevice[] Legs { get; }

    public NbdServer Server { get; }

    public NbdListener Listener { get; }

    public int Turns => OnLoop(() => _mirror.Turns.Count);

    public BlockDevice Find(string deviceArgument) => Legs.Single(l => l.Name == deviceArgument);

    public T OnLoop<T>(Func<T> look) => TestServer.Wait(_loop.InvokeAsync(() => new ValueTask<T>(look())));

    /// <summary>Lets a leg keep what comes, or lets everything go.</summary>
    public void Hold(int leg, bool holds) => OnLoop(() =>
    {
        Legs[leg].Holds = holds;
        if (!holds)
            Legs[leg].ReleaseAll();
        return 0;
    });

    /// <summary>From now on a leg fails an operation in a range.</summary>
    public void Fail(int leg, Sectors start, Sectors count, BlockOperation operation) => OnLoop(() =>
    {
        Legs[leg].Fail(start, count, Errno.EIO, operation);
        return 0;
    });

    /// <summary>From now on no leg can be flushed.</summary>
    public void FailFlushes() => OnLoop(() =>
    {
        foreach (ScriptedDevice leg in Legs)
            leg.FailAll(Errno.EIO, BlockOperation.Flush);
        return 0;
    });

    /// <summary>Ends a leg's faults.</summary>
    public void Heal(int leg) => OnLoop(() =>
    {
        Legs[leg].Heal();
        return 0;
    });

    /// <summary>Offers the mirror under a second name.</summary>
    public void AddSecond(string name) => Server.AddExport(new NbdExport(name, _mirror, readOnly: false));

    public NbdProbe GoWith(Wire.ReplyForm form, params ReadOnlySpan<string> contexts) =>
        new NbdProbe(Listener.Address).GoWith(form, contexts);

    public NbdProbe Go() => new NbdProbe(Listener.Address).Go();

    public void Dispose()
    {
        for (int leg = 0; leg < Legs.Length; leg++)
            Hold(leg, false);
        TestServer.Wait(Server.DisposeAsync().AsTask());
        TestServer.Wait(_loop.InvokeAsync(async () =>
        {
            await _mirror.StopAsync();
            await _mirror.DisposeAsync();
        }));
        _loop.Dispose();
        _front.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
