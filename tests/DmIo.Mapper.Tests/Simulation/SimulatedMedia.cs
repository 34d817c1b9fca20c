using DmIo.Testing;

namespace DmIo.Mapper.Tests;

/// <summary>
/// A simulated disk as hardware: its bytes, its volatile write cache, its identity and its condition. It outlives the
/// program that uses it; each life of the program opens it as a <see cref="SimulatedDisk"/>, the block device, best on a
/// new <see cref="ManualLoop"/> each, so that nothing of the old life runs on.
/// <list type="bullet">
/// <item>A completed write lies in the cache until a flush that was submitted later completes, or goes past the cache with
/// FUA. Until then a power cut keeps any part of it, block by block (<see cref="BlockBytes"/>).</item>
/// <item>Operations take a random time around <see cref="LatencyMean"/> and complete in any order; with zero they are done
/// at once. What has several blocks may be done in parts.</item>
/// <item>The caller's memory is read and written when an operation takes effect, not when it is submitted, late landings
/// included: memory that is given back too early shows as corruption.</item>
/// <item>Instants: <see cref="PowerCut"/>, <see cref="Kill"/>, <see cref="Hang"/> and <see cref="EndHang"/>,
/// <see cref="Leave"/> and <see cref="Return"/>, <see cref="Spoil"/>. Rates: <see cref="Faults"/>.</item>
/// <item>Everything is decided by the given <see cref="Random"/>: the same seed and the same calls give the same
/// run.</item>
/// </list>
/// </summary>
internal sealed partial class SimulatedMedia
{
    public SimulatedMedia(
        Random random, string name, Sectors length, int blockBytes = Sectors.SizeBytes, DiskCoverage? coverage = null)
    {
        Random = random;
        Name = name;
        Length = length;
        BlockBytes = blockBytes;
        DiscardLimit = WriteZeroesLimit = length;
        Coverage = coverage ?? new DiskCoverage();
        Contents = new MediaContents(random, (int)(length.Bytes / blockBytes), blockBytes, Coverage);
    }

    public string Name { get; }

    public Sectors Length { get; }

    /// <summary>The logical block size: what changes whole or not at all.</summary>
    public int BlockBytes { get; }

    /// <summary>The longest discard; zero: it cannot.</summary>
    public Sectors DiscardLimit { get; set; }

    /// <summary>The longest write-zeroes; zero: it cannot.</summary>
    public Sectors WriteZeroesLimit { get; set; }

    /// <summary>Whether <see cref="BlockDevice.ReadExtentsAsync"/> tells holes, as for a sparse file.</summary>
    public bool TellsHoles { get; set; }

    /// <summary>Whether a discarded block reads as zeroes; otherwise it does or stays as it was.</summary>
    public bool DiscardZeroes { get; set; } = true;

    /// <summary>Whether there is a volatile cache; otherwise what took effect is durable.</summary>
    public bool HasCache { get; set; } = true;

    /// <summary>How long an operation takes on average.</summary>
    public TimeSpan LatencyMean { get; set; }

    /// <summary>Operations that are done in parts, from 0 to 1; only those that take time.</summary>
    public double DoneInParts { get; set; } = 0.25;

    public SimulatedFaults Faults { get; } = new();

    public DiskCoverage Coverage { get; }

    /// <summary>Where events are told; null: nowhere.</summary>
    public Story? Story { get; set; }

    /// <summary>The present bytes, for checks from outside.</summary>
    public MediaContents Contents { get; }

    /// <summary>Whether operations are held.</summary>
    public bool IsHung { get; private set; }

    /// <summary>Whether everything fails with ENXIO.</summary>
    public bool IsGone { get; private set; }

    /// <summary>Opens the disk for a life of the program.</summary>
    public SimulatedDisk Open(IoLoop loop) => new(this, loop);

    /// <summary>
    /// The machine loses power: any part of what was cached or under way is kept, nothing under way ever completes. The
    /// present opening is dead. A hang ends; a disk that is gone stays so.
    /// </summary>
    public void PowerCut()
    {
        EndLife(DiskEvent.PowerCut);
        IsHung = false;
        Contents.Cut();
    }

    /// <summary>
    /// The program ends without a word and the disk goes on: what was completed is kept, cached or not; any part of what
    /// was under way is done before the next life, and never completes. The present opening is dead. Let the loop become
    /// idle first: a failed flush that the program has not heard of yet is a loss that it cannot know of.
    /// </summary>
    public void Kill() => EndLife(DiskEvent.Kill);

    /// <summary>From now on operations, also those under way, neither take effect nor complete.</summary>
    public void Hang()
    {
        Story?.Add($"{Name} hangs");
        IsHung = true;
    }

    /// <summary>What hung goes on, in any order; <see cref="SimulatedFaults"/> decide about it as about anything.</summary>
    public void EndHang()
    {
        Story?.Add($"{Name} hangs no more");
        IsHung = false;
        foreach (DiskOperation operation in Shuffled(_underWay))
            operation.Resume();
    }

    /// <summary>
    /// The disk goes: what is under way fails, done or not, and everything later fails with ENXIO until
    /// <see cref="Return"/>. With <paramref name="losesPower"/> its cache is lost as in a power cut, acknowledged writes
    /// included; the program runs on.
    /// </summary>
    public void Leave(bool losesPower)
    {
        Story?.Add($"{Name} goes{(losesPower ? " and loses power" : "")}");
        IsGone = true;
        IsHung = false;
        LandLateOnes();
        foreach (DiskOperation operation in Shuffled(_underWay))
            operation.Abort(Errno.ENXIO);
        if (losesPower)
            Contents.Cut();
    }

    public void Return()
    {
        Story?.Add($"{Name} is back");
        IsGone = false;
    }

    /// <summary>
    /// Blocks go bad: reads of them fail, and writes too if <paramref name="dead"/>. Otherwise they heal when rewritten;
    /// a power cut that loses the rewriting makes them bad again.
    /// </summary>
    public void Spoil(Sectors start, Sectors count, bool dead = false)
    {
        Story?.Add($"{Name} {start}+{count} {(dead ? "dies" : "becomes unreadable")}");
        long last = (start + count).Bytes - 1;
        for (long block = start.Bytes / BlockBytes; block <= last / BlockBytes; block++)
            Contents.Spoil((int)block, dead ? BlockHealth.Dead : BlockHealth.Unreadable);
    }

    /// <summary>Dead blocks become merely unreadable, so that rewriting heals all.</summary>
    public void Revive()
    {
        for (int block = 0; block < Length.Bytes / BlockBytes; block++)
        {
            if (Contents.HealthOf(block) == BlockHealth.Dead)
                Contents.Spoil(block, BlockHealth.Unreadable);
        }
    }

    /// <summary>Completes what vanished, so that a life can come to rest.</summary>
    public void CompleteVanished(Errno errno = Errno.EIO)
    {
        foreach (DiskOperation operation in _vanished)
            operation.CompleteLate(errno);
        _vanished.Clear();
    }

    /// <summary>
    /// A share from 0 to 1 that is often one of the ends: all, nothing, nearly all and nearly nothing are what breaks
    /// things.
    /// </summary>
    public static double DrawShare(Random random) => random.Next(5) switch
    {
        0 => 0,
        1 => 1,
        2 => 0.1,
        3 => 0.9,
        _ => 0.5,
    };
}
