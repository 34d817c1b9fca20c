using System.Buffers.Binary;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>The targets for experiments, as a configuration names them.</summary>
public sealed class ExperimentTests
{
    private Scratch _scratch = null!;

    [SetUp]
    public void MakeScratch() => _scratch = new Scratch();

    [TearDown]
    public void RemoveScratch() => _scratch.Dispose();

    // Goal: all of them are served, on files and on each other, and after the stop the log tells what was written.
    [Test]
    public void Targets_for_experiments_are_served()
    {
        foreach (string name in (string[])["a", "b", "d", "e", "log"])
            _scratch.Sparse($"{name}.img", 64 << 20);
        string config = _scratch.Write("dmio-nbd.json", """
            {
              "stateDirectory": "state",
              "listeners": [ { "unix": "nbd.sock" } ],
              "devices": {
                "slow": { "table": "0 131072 delay e.img 0 0 e.img 0 200" },
                "vol0": { "table": "0 131072 mirror core 1 1024 2 d.img 0 dm:slow 0", "assumeClean": true },
                "stripes": { "table": "0 131072 striped 2 128 a.img 0 b.img 0" },
                "dusty": { "table": "0 131072 dust dm:stripes 0 4096" },
                "logged": { "table": "0 131072 log-writes dm:dusty log.img" },
                "flaky": { "table": "0 131072 flakey dm:logged 0 3600 0" },
                "zero": { "table": "0 131072 zero" },
              },
              "exports": [ { "name": "vol0" }, { "name": "flaky" }, { "name": "zero" } ],
            }
            """);
        byte[] data = new byte[256 << 10];
        new Random(1).NextBytes(data);
        using (DaemonProcess daemon = DaemonProcess.Serve("--config", config))
        {
            foreach (string export in (string[])["vol0", "flaky", "zero"])
            {
                using NbdClient client = NbdClient.Connect(_scratch["nbd.sock"], export);
                Assert.That(client.WriteAt(1 << 20, data), Is.Zero, export);
                Assert.That(client.FlushAll(), Is.Zero, export);
                Assert.That(client.ReadAt(1 << 20, data.Length, out byte[] back), Is.Zero, export);
                Assert.That(back, Is.EqualTo(export == "zero" ? new byte[data.Length] : data), export);
            }
            Assert.That(daemon.Log, Does.Contain("stripes: table 0 131072 striped 2 128 a.img 0 b.img 0"));
            Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        }
        byte[] log = File.ReadAllBytes(_scratch["log.img"]);
        Assert.That(BinaryPrimitives.ReadUInt64LittleEndian(log), Is.EqualTo(0x6A736677736872));
        Assert.That(BinaryPrimitives.ReadUInt64LittleEndian(log.AsSpan(16)), Is.GreaterThanOrEqualTo(3));
        // The first chunk of 64 KiB at 1 MiB is the first stripe's ninth.
        Assert.That(Read("a.img", 512 << 10, 64 << 10), Is.EqualTo(data[..(64 << 10)]));
        Assert.That(Read("b.img", 512 << 10, 64 << 10), Is.EqualTo(data[(64 << 10)..(128 << 10)]));
    }

    // Goal: each stripe is checked for its share, and the log of writes is a file of its own.
    [Test]
    public void Their_mistakes_are_told()
    {
        _scratch.Sparse("a.img", 64 << 10);
        _scratch.Sparse("b.img", 32 << 10);
        _scratch.Sparse("short.img", 512);
        string config = _scratch.Write("dmio-nbd.json", """
            {
              "listeners": [ { "unix": "nbd.sock" } ],
              "devices": {
                "s": { "table": "0 256 striped 2 128 a.img 0 b.img 0" },
                "l": { "table": "0 64 log-writes dm:s short.img" },
                "m": { "table": "0 64 log-writes dm:l gone.img" }
              },
              "exports": [ { "name": "x", "device": "dm:m" } ]
            }
            """);
        ToolResult result = Tool.Run(BuiltProgram.Path, "serve", "--config", config);
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(result.Error, Does.Contain("b.img has 32768 bytes and 65536 are needed"));
        Assert.That(result.Error, Does.Not.Contain("a.img has"));
        Assert.That(result.Error, Does.Contain("short.img has 512 bytes, too few for a log"));
        Assert.That(result.Error, Does.Contain("gone.img does not exist"));
    }

    private byte[] Read(string name, int offset, int count) =>
        File.ReadAllBytes(_scratch[name])[offset..(offset + count)];
}
