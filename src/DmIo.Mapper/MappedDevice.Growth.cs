namespace DmIo.Mapper;

// A longer device: its last line becomes longer, and what lies beneath with it.
public sealed partial class MappedDevice
{
    /// <summary>
    /// Makes the device longer while it serves. Files beneath its last line are made longer, sparsely; disks and other mapped
    /// devices must be long enough. What is new in a mirror is made alike on all legs. Clients see the new size when they
    /// connect anew. From any thread.
    /// </summary>
    /// <param name="length">The new length.</param>
    /// <param name="cancellationToken">Gives up before the device is longer.</param>
    /// <exception cref="MapperException">It cannot be done; the device is as long as before.</exception>
    public Task GrowAsync(Sectors length, CancellationToken cancellationToken = default) => ChangeAsync(async () =>
    {
        if (length == Length)
            return;
        TableLine last = _table.Lines[^1];
        Sectors lastLength = length - last.Start;
        if (length < Length)
            throw new MapperException($"{Name}: {length} sectors are fewer than it has, {Length}; a device does not shrink");
        if (last.Target is not (LinearSpec or MirrorSpec))
        {
            throw new MapperException(
                $"{Name}: its last line is a {last.Target.Name} target, and only linear and mirror lines can be made longer; "
                + "load a longer table instead (reload)");
        }
        if (_targets[^1] is MirrorTarget { Knowledge: var legs } && (legs.Set != legs.All || !legs.IsWhole))
        {
            throw new NotNowException(
                $"{Name}: a mirror grows while all its legs are in sync, and they are in {legs.InSyncRegions} of "
                + $"{legs.Regions} regions; wait until they are, or remove the leg that is out");
        }
        foreach (TargetLeg leg in _targets[^1].Legs)
        {
            if (leg.Device.Extend(leg.Offset + lastLength) is not Errno.None and var errno)
            {
                throw new MapperException(
                    $"{Name}: {leg.Argument} has {leg.Device.Length} sectors and needs {leg.Offset + lastLength} ({errno}); make "
                    + "it longer first");
            }
        }
        var table = new Table([.. _table.Lines.SkipLast(1), last with { Length = lastLength }]);
        await TakeSuccessorAsync(table, _options with { Grows = true }, cancellationToken);
    });
}
