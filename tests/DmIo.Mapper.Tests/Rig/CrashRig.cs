using DmIo.Testing;

namespace DmIo.Mapper.Tests;

/// <summary>
/// A small mirror with a log device of which every operation of any device is a point at which the world may stop. Writes
/// are of whole regions, so what each may hold is easily told.
/// </summary>
internal sealed class CrashRig
{
    public const int Regions = 32;

    private const int RegionSectors = 8;

    private readonly List<StoppedWorld> _worlds = [];

    public CrashRig(int legs = 2, string log = "disk 3 log {0} nosync")
    {
        Rig = Make(legs, log);
        Rig.WithMirror(_ => MirrorRig.AsTheKernel);
        Allowed = [.. Enumerable.Range(0, Regions).Select(region => new[] { Contents(0, region) })];
        foreach (WatchedDevice device in Rig.Legs.Append(Rig.LogDevice!).Cast<WatchedDevice>())
            device.Changing = Remember;
    }

    public MirrorRig Rig { get; private set; }

    /// <summary>What each region may hold now.</summary>
    public byte[][][] Allowed { get; }

    /// <summary>Where the world may have stopped since the last <see cref="Forget"/>.</summary>
    public IReadOnlyList<StoppedWorld> Worlds => _worlds;

    /// <summary>What a leg has in a region.</summary>
    public byte[] Contents(int leg, int region) =>
        Rig.Legs[leg].Contents(new(region * RegionSectors), new(RegionSectors)).ToArray();

    public static byte[] Data(int seed) => MirrorRig.Bytes(RegionSectors, seed);

    /// <summary>Fills a region of a leg behind the mirror's back.</summary>
    public void Put(int leg, int region, int seed) =>
        Data(seed).CopyTo(Rig.Legs[leg].Contents(new(region * RegionSectors), new(RegionSectors)));

    /// <summary>A client writes a region; from the answer on it may hold nothing else.</summary>
    public TestRequest Write(int region, int seed)
    {
        byte[] data = Data(seed);
        Allowed[region] = [.. Allowed[region], data];
        TestRequest request = TestRequest.Write(
            new(region * RegionSectors), TestBuffer.Random(new(RegionSectors), seed));
        request.OnCompleted = done =>
        {
            if (done.Error == Errno.None)
                Allowed[region] = [data];
        };
        return Rig.Submit(request);
    }

    public void Forget() => _worlds.Clear();

    public void Remember() => _worlds.Add(new StoppedWorld(
        [.. Rig.Legs.Select(leg => leg.Contents().ToArray())], Rig.LogDevice!.Contents().ToArray(),
        [.. ((WatchedDevice)Rig.LogDevice).Unflushed],
        [.. Rig.Legs.Select(leg => ((WatchedDevice)leg).Unflushed.ToArray())], Rig.Store.Text, [.. Allowed]));

    /// <summary>
    /// Starts again from everything that may be left, and checks that no leg is believed to hold what it lacks.
    /// </summary>
    /// <param name="change">What is different at the new start.</param>
    /// <param name="mayRefuse">Whether a start that asks for a choice is an answer too.</param>
    /// <returns>How many starts there were, and how many of them were refused.</returns>
    public (int Starts, int Refused) CheckAll(Action<MirrorRig>? change = null, bool mayRefuse = false)
    {
        int starts = 0;
        int refused = 0;
        for (int i = 0; i < _worlds.Count; i++)
        {
            foreach (byte[] log in _worlds[i].Logs())
            {
                foreach ((byte[][] legs, bool isWhole) in _worlds[i].LegContents())
                {
                    starts++;
                    string when = $"stopped before operation {i} of {_worlds.Count}{(isWhole ? "" : ", a leg's cache lost")}";
                    if (!Check(_worlds[i], log, legs, isWhole, when, change, mayRefuse))
                        refused++;
                }
            }
        }
        return (starts, refused);
    }

    /// <summary>
    /// The program is killed at every point, nothing is lost by that; it is started again, and the power fails during
    /// that start, or while a region is written after it. Then it must start from everything that may be left.
    /// </summary>
    /// <param name="forgotten">Whether a flush had failed to make durable what the log had not flushed.</param>
    /// <param name="unsynced">A leg of which that start is told that it could not make durable what was written to it.</param>
    /// <param name="written">The region that a client writes first after it.</param>
    /// <returns>How many starts were cut, and how many followed them.</returns>
    public (int Cut, int Starts) CheckCutStarts(bool forgotten, int unsynced, int written)
    {
        int cut = 0;
        int starts = 0;
        foreach (StoppedWorld world in _worlds.Where(world => world.Unflushed.Length > 0))
        {
            CrashRig again = Continue(world, forgotten);
            ((WatchedDevice)again.Rig.Legs[unsynced]).OldError = Errno.EIO;
            again.Rig.Start();
            again.Write(written, 900);
            cut++;
            starts += again.CheckAll().Starts;
            again.Rig.Stop();
            again.Rig.FreeLegs();
            again.Rig.Loop.Run(again.Rig.LogDevice!.DisposeAsync);
        }
        return (cut, starts);
    }

    private CrashRig Continue(StoppedWorld world, bool forgotten)
    {
        var again = new CrashRig(Rig.Legs.Count);
        again.Rig.TableText = Rig.TableText;
        again.Rig.WithMirror(_ => Rig.Options.Mirror);
        for (int i = 0; i < world.Legs.Length; i++)
            world.Legs[i].CopyTo(again.Rig.Legs[i].Contents());
        world.Log.CopyTo(again.Rig.LogDevice!.Contents());
        var log = (WatchedDevice)again.Rig.LogDevice;
        if (forgotten)
            log.InheritForgotten(world.Unflushed);
        else
            log.InheritUnflushed(world.Unflushed);
        again.Rig.Store.Text = world.StateFile;
        world.Allowed.CopyTo(again.Allowed, 0);
        return again;
    }

    private static MirrorRig Make(int legs, string log)
    {
        var rig = new MirrorRig(legs, Regions * RegionSectors, RegionSectors, log, logSectors: 128);
        for (int i = 0; i < legs; i++)
        {
            var leg = new WatchedDevice(rig.Loop, $"leg{i}", rig.Sectors);
            rig.Loop.Run(rig.Legs[i].DisposeAsync);
            rig.Legs[i] = leg;
            rig.AddDevice(leg.Name, leg);
        }
        rig.Loop.Run(rig.LogDevice!.DisposeAsync);
        rig.ReplaceLogDevice(new WatchedDevice(rig.Loop, "log", new(128)));
        return rig;
    }

    private bool Check(
        StoppedWorld world, byte[] log, byte[][] contents, bool isWhole, string when, Action<MirrorRig>? change,
        bool mayRefuse)
    {
        var rig = new MirrorRig(Rig.Legs.Count, Regions * RegionSectors, RegionSectors, MirrorRig.DiskLog, logSectors: 128)
        {
            TableText = Rig.TableText,
        };
        rig.With(options => options with
        {
            SyncFrom = Rig.Options.SyncFrom,
            Force = Rig.Options.Force,
            Mirror = Rig.Options.Mirror,
        });
        for (int i = 0; i < contents.Length; i++)
            contents[i].CopyTo(rig.Legs[i].Contents());
        log.CopyTo(rig.LogDevice!.Contents());
        rig.Store.Text = world.StateFile;
        change?.Invoke(rig);
        try
        {
            rig.Start();
        }
        catch (MapperException e) when (mayRefuse)
        {
            Assert.That(e.Message, Does.Contain("--sync-from"), when);
            return false;
        }
        for (int region = 0; region < Regions; region++)
            CheckRegion(rig, isWhole ? world.Allowed[region] : null, region, when);
        rig.Stop();
        rig.FreeLegs();
        rig.Loop.Run(rig.LogDevice.DisposeAsync);
        return true;
    }

    // What was not flushed may be lost, but not on one leg alone that is taken to be like the others.
    private static void CheckRegion(MirrorRig rig, byte[][]? allowed, int region, string when)
    {
        LegSet legs = rig.Mirror.Knowledge;
        ulong holders = legs.HoldersOf(region, region);
        Assert.That(holders, Is.Not.Zero, $"{when}: nobody holds region {region}");
        byte[]? first = null;
        foreach (Leg leg in legs.Legs)
        {
            if ((holders & leg.Bit) == 0)
                continue;
            byte[] found = ((ScriptedDevice)leg.Device)
                .Contents(new(region * RegionSectors), new(RegionSectors)).ToArray();
            Assert.That(
                allowed is null || allowed.Any(contents => contents.AsSpan().SequenceEqual(found)),
                $"{when}: {leg.Place.Argument} is believed to hold region {region} and does not");
            if (!legs.MayDiffer.Contains(region) && first is not null)
                Assert.That(found.AsSpan().SequenceEqual(first), $"{when}: holders differ in region {region}");
            first ??= found;
        }
    }
}
