namespace DmIo.Mapper.Tests;

public sealed class MirrorFilesTests
{
    private string _directory = "";

    [SetUp]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory("dmio-mapper-").FullName;

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(_directory, recursive: true);

    // Goal: on the real loop, over real files, a write reaches both legs, survives a restart, and the state file
    // vouches.
    [Test]
    public async Task A_mirror_over_files_writes_to_both_legs_and_comes_back()
    {
        string a = NewFile("a.img", 8 << 20);
        string b = NewFile("b.img", 8 << 20);
        var errors = new List<TableError>();
        Table table = TableParser.Parse($"0 16384 mirror core 1 1024 2 {a} 0 {b} 0", errors)!;
        var options = new MappedDeviceOptions { StateDirectory = Path.Combine(_directory, "state") };
        byte[] data = MirrorRig.Bytes(2048, 7);
        for (int round = 0; round < 2; round++)
        {
            await using var world = new FileWorld();
            await using MappedDevice device =
                await MappedDevice.CreateAsync(world.Loop, "vol0", table, world, options);
            Assert.That(device.StatusLine(), Is.EqualTo($"0 16384 mirror 2 {a} {b} 16/16 1 AA 1 core"));
            if (round == 0)
                Assert.That(await world.WriteAsync(device, 100, data), Is.EqualTo(Errno.None));
            Assert.That(await world.ReadAsync(device, 100, data.Length), Is.EqualTo(data));
            await device.StopAsync();
        }
        byte[] contents = await File.ReadAllBytesAsync(a);
        Assert.That(contents.AsSpan(100 * 512, data.Length).SequenceEqual(data));
        Assert.That(await File.ReadAllBytesAsync(b), Is.EqualTo(contents));
        Assert.That(File.Exists(Path.Combine(_directory, "state", "vol0.mirror-0.json")));
    }

    // Goal: a leg that was replaced by another file under the same path is not trusted, though its size and path are
    // right.
    [Test]
    public async Task A_replaced_file_is_not_the_leg_that_was_recorded()
    {
        string a = NewFile("a.img", 8 << 20);
        string b = NewFile("b.img", 8 << 20);
        var errors = new List<TableError>();
        Table table = TableParser.Parse($"0 16384 mirror core 1 1024 2 {a} 0 {b} 0", errors)!;
        var options = new MappedDeviceOptions { StateDirectory = _directory };
        var stays = options with { Mirror = new MirrorOptions { Recovers = false } };
        await StartAndStopAsync(table, stays, 16);
        File.Delete(b);
        NewFile("b.img", 8 << 20);
        await StartAndStopAsync(table, stays, 0);
        await StartAndStopAsync(table, options, 16);
    }

    // Goal: real files are made longer with their mirror, and are known again after a restart.
    [TestCase("core 1 1024")]
    [TestCase("disk 2 {0} 1024")]
    public async Task Files_grow_with_their_mirror(string log)
    {
        string a = NewFile("a.img", 1 << 20);
        string b = NewFile("b.img", 1 << 20);
        log = string.Format(log, NewFile("log.img", 1 << 20));
        var errors = new List<TableError>();
        Table Of(long sectors) => TableParser.Parse($"0 {sectors} mirror {log} 2 {a} 0 {b} 0", errors)!;
        var events = new EventRing();
        var options = new MappedDeviceOptions { StateDirectory = _directory, Events = events };
        byte[] data = MirrorRig.Bytes(8, 7);
        await using (var world = new FileWorld())
        {
            await using MappedDevice device = await MappedDevice.CreateAsync(world.Loop, "vol0", Of(2048), world, options);
            Assert.That(await world.WriteAsync(device, 2000, data), Is.EqualTo(Errno.None));
            await device.GrowAsync(new Sectors(8192));
            Assert.That((new FileInfo(a).Length, new FileInfo(b).Length), Is.EqualTo((4 << 20, 4 << 20)));
            for (long seen = 0; !device.StatusLine().Contains(" 8/8 "); seen = events.Last)
                await events.WaitAsync(seen, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
            await device.StopAsync();
        }
        await using var again = new FileWorld();
        await using MappedDevice longer = await MappedDevice.CreateAsync(again.Loop, "vol0", Of(8192), again, options);
        Assert.That(longer.StatusLine(), Does.Contain(" 8/8 1 AA "));
        Assert.That(await again.ReadAsync(longer, 2000, data.Length), Is.EqualTo(data));
        await longer.StopAsync();
    }

    private static async Task StartAndStopAsync(Table table, MappedDeviceOptions options, int inSync)
    {
        await using var world = new FileWorld();
        await using MappedDevice device = await MappedDevice.CreateAsync(world.Loop, "vol0", table, world, options);
        string wanted = $" {inSync}/16 1 AA 1 core";
        for (int i = 0; !device.StatusLine().Contains(wanted, StringComparison.Ordinal) && i < 500; i++)
            await Task.Delay(10);
        Assert.That(device.StatusLine(), Does.Contain(wanted));
        await device.StopAsync();
    }

    private string NewFile(string name, long bytes)
    {
        string path = Path.Combine(_directory, name);
        using FileStream file = File.Create(path);
        file.SetLength(bytes);
        return path;
    }
}
