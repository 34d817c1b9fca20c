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

    private Task<T> OnMirrorAsync<T>(Sectors? at, Func<MirrorTarget, Task<T>> action) =>
        Loop.InvokeAsync(async () => await action(FindMirror(at)));

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
