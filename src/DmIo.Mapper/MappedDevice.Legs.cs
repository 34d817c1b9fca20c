namespace DmIo.Mapper;

// What can be done to the legs of a mirror while it serves.
public sealed partial class MappedDevice
{
    /// <summary>How far the check or repair is that is at work, or how far the last one came; null without any. From any thread.</summary>
    public ScrubProgress? Scrub
    {
        get
        {
            ScrubProgress? last = null;
            foreach (Target target in _targets)
            {
                if (target is MirrorTarget mirror && mirror.Scrub.Progress is { } progress && last?.IsRunning != true)
                    last = progress;
            }
            return last;
        }
    }

    /// <summary>
    /// Compares the legs of a mirror while it serves, and tells where they differ. One that ended early is gone on with.
    /// From any thread.
    /// </summary>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Ends it early; the report says how far it came.</param>
    /// <exception cref="MapperException">There is no such mirror, or it cannot be checked now.</exception>
    public Task<ScrubReport> CheckAsync(ScrubOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return OnMirrorAsync(options.At, mirror => mirror.Scrub.RunAsync(false, null, options, cancellationToken));
    }

    /// <summary>
    /// Makes the legs of a mirror alike where they differ, while it serves. One that ended early is gone on with. From any
    /// thread.
    /// </summary>
    /// <param name="options">How, and which leg is right.</param>
    /// <param name="cancellationToken">Ends it early; the report says how far it came.</param>
    /// <exception cref="MapperException">There is no such mirror, or it cannot be repaired now.</exception>
    public Task<ScrubReport> RepairAsync(RepairOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return OnMirrorAsync(options.At, mirror => mirror.Scrub.RunAsync(true, options.From, options, cancellationToken));
    }

    /// <summary>
    /// Takes a leg of a mirror out of the set, as if a write to it had failed. It is not looked at, also after a restart,
    /// until it is cleared. Ends when that is durably recorded. From any thread.
    /// </summary>
    /// <param name="leg">The leg, counted from 0.</param>
    /// <param name="at">A sector of the mirror that is meant, where there are several.</param>
    /// <exception cref="MapperException">It alone holds something, or it could not be recorded; the message says what.</exception>
    public Task FailLegAsync(int leg, Sectors? at = null) => OnMirrorAsync(at, async mirror =>
    {
        await mirror.FailLegAsync(leg);
        return true;
    });

    /// <summary>
    /// Forgets what a leg of a mirror has failed, also that it was taken out of the set by hand. If it is out of the set it
    /// is looked at at once, and returns if it answers; this does not wait for it. From any thread.
    /// </summary>
    /// <param name="leg">The leg, counted from 0.</param>
    /// <param name="at">A sector of the mirror that is meant, where there are several.</param>
    /// <exception cref="MapperException">There is no such leg, or its device is missing.</exception>
    public Task ClearLegAsync(int leg, Sectors? at = null) => OnMirrorAsync(at, mirror =>
    {
        mirror.ClearLeg(leg);
        return Task.FromResult(true);
    });

    /// <summary>
    /// Legs of the live table whose devices another look at the same table could take up: they are missing, or out of the
    /// set because of what they failed. Not those of a mirror whose data was given up by a forced start: which leg is right
    /// there, people have to say. From any thread.
    /// </summary>
    public IReadOnlyList<string> AbsentLegs() =>
    [
        .. _targets.OfType<MirrorTarget>().Where(mirror => mirror.Knowledge.GivenUp.Count == 0)
            .SelectMany(mirror => mirror.Facts).Where(leg => leg is { IsInSet: false, IsFailedByHand: false })
            .Select(leg => leg.Device),
    ];

    /// <summary>Whether the live table stands on a device. From any thread.</summary>
    public bool Uses(BlockDevice device) => _targets.SelectMany(target => target.Legs).Any(leg => leg.Device == device);

    /// <summary>What is known of the legs of all mirrors of the device, in their order. From any thread.</summary>
    public IReadOnlyList<LegFacts> LegFacts() => [.. _targets.OfType<MirrorTarget>().SelectMany(mirror => mirror.Facts)];

    /// <summary>
    /// The regions of a mirror in a few cells of the same size, each as the most remarkable of its regions; no more cells
    /// than there are regions. From any thread.
    /// </summary>
    /// <param name="cells">How many cells, at most.</param>
    /// <param name="at">A sector of the mirror that is meant, where there are several.</param>
    /// <exception cref="MapperException">There is no such mirror.</exception>
    public Task<IReadOnlyList<RegionState>> RegionMapAsync(int cells, Sectors? at = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(cells);
        return Loop.InvokeAsync(() => new ValueTask<IReadOnlyList<RegionState>>(FindMirror(at).MapRegions(cells)));
    }

    private Task<T> OnMirrorAsync<T>(Sectors? at, Func<MirrorTarget, Task<T>> action) => Loop.InvokeAsync(async () =>
    {
        if (!_changing.IsCompleted)
            throw new NotNowException($"{Name}: it is being suspended or given another table; wait for that and try again");
        return await action(FindMirror(at));
    });

    private MirrorTarget FindMirror(Sectors? at)
    {
        if (_stopped)
            throw new MapperException($"{Name}: it is stopped");
        MirrorTarget[] mirrors = [.. _targets.OfType<MirrorTarget>()];
        if (at is { } sector)
        {
            return mirrors.FirstOrDefault(mirror => sector >= mirror.Begin && sector < mirror.Begin + mirror.Length)
                ?? throw new MapperException($"{Name}: sector {sector} lies in no mirror");
        }
        return mirrors switch
        {
            [var only] => only,
            [] => throw new MapperException($"{Name}: it has no mirror, so it has no legs"),
            _ => throw new MapperException(
                $"{Name}: it has mirrors at the sectors {string.Join(", ", mirrors.Select(mirror => mirror.Begin))}; say "
                + "which by a sector of it"),
        };
    }
}
