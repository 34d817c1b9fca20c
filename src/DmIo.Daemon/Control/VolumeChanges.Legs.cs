using System.Globalization;
using DmIo.Daemon.Hosting;
using DmIo.Mapper;

namespace DmIo.Daemon.Control;

// Legs of mirrors come and go.
internal sealed partial class VolumeChanges
{
    // Soon enough for people.
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(200);

    public async Task AddLegAsync(string name, LegRequest request, CancellationToken cancellation)
    {
        DeviceArgument leg = ArgumentOf(request);
        await WithDevicesAsync(
            name, device => WithLegs(device, legs => [.. legs, leg]),
            device => device.Device.AddLegAsync(leg, cancellation), cancellation);
    }

    public async Task RemoveLegAsync(string name, string leg, CancellationToken cancellation)
    {
        RunningDevice device = reader.Find(name);
        await device.Device.RemoveLegAsync(LegOf(device, leg), cancellation);
        await CloseUnusedAsync(CancellationToken.None);
    }

    /// <summary>Puts another leg in the place of one; returns when the new one is in sync.</summary>
    public async Task ReplaceLegAsync(string name, string leg, LegRequest request, CancellationToken cancellation)
    {
        DeviceArgument by = ArgumentOf(request);
        if (!IsReplaced(reader.Find(name), leg, by))
        {
            int old = 0;
            await WithDevicesAsync(
                name,
                device =>
                {
                    old = LegOf(device, leg);
                    // An earlier call that was given up may have added it already.
                    return WithLegs(device, legs => legs.Contains(by) ? legs : [.. legs, by]);
                },
                device => device.Device.ReplaceLegAsync(old, by, cancellation), cancellation);
        }
        else if (reader.Find(name) is var device && device.Device.AbsentLegs().Contains(by.Device)
            && volumes.OutdatedOf(device).Contains(by.Device))
        {
            // A new disk in the old one's slot.
            await TakeUpAsync(name, [by.Device], knownLegsOnly: false, cancellation);
        }
        using var look = new PeriodicTimer(s_look);
        while (!IsInSync(reader.Find(name), by))
            await look.WaitForNextTickAsync(cancellation);
    }

    // An earlier call that was given up may have come so far that only the copying is left.
    private static bool IsReplaced(RunningDevice device, string leg, DeviceArgument by)
    {
        IReadOnlyList<DeviceArgument> legs = MirrorOf(device).Legs;
        return int.TryParse(leg, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number < legs.Count && legs[number] == by
            : legs.Contains(by) && !legs.Any(l => l.Device == leg);
    }

    private static bool IsInSync(RunningDevice device, DeviceArgument by) =>
        device.Device.LegFacts().FirstOrDefault(leg => leg.Device == by.Device) is not { } facts
            ? throw ControlException.Conflict($"{device.Name}: {by.Device} was taken out of the mirror before it was in sync")
            : facts is { IsInSet: true, LackedRegions: 0, DifferingRegions: 0 };

    public Task FailLegAsync(string name, string leg)
    {
        RunningDevice device = reader.Find(name);
        return device.Device.FailLegAsync(LegOf(device, leg));
    }

    public Task ClearLegAsync(string name, string leg)
    {
        RunningDevice device = reader.Find(name);
        return device.Device.ClearLegAsync(LegOf(device, leg));
    }

    private static DeviceArgument ArgumentOf(LegRequest request) =>
        new(request.Device, new Sectors(request.OffsetSectors));

    /// <summary>A leg's number, from a number or from the word that the table has for its device.</summary>
    private static int LegOf(RunningDevice device, string leg)
    {
        IReadOnlyList<DeviceArgument> legs = MirrorOf(device).Legs;
        if (int.TryParse(leg, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number < legs.Count)
            return number;
        for (int i = 0; i < legs.Count; i++)
        {
            if (legs[i].Device == leg)
                return i;
        }
        throw ControlException.Mistake(
            $"{device.Name}: there is no leg {leg}; its legs are "
            + string.Join(", ", legs.Select((l, i) => $"{i} {l.Device}")));
    }

    private static MirrorSpec MirrorOf(RunningDevice device)
    {
        MirrorSpec[] mirrors = [.. device.Device.Table.Lines.Select(l => l.Target).OfType<MirrorSpec>()];
        return mirrors.Length == 1
            ? mirrors[0]
            : throw ControlException.Mistake(
                $"{device.Name}: has {mirrors.Length} mirrors, and this is for a device with one; load a table instead (reload)");
    }

    private static Table WithLegs(
        RunningDevice device, Func<IReadOnlyList<DeviceArgument>, IReadOnlyList<DeviceArgument>> change)
    {
        MirrorSpec mirror = MirrorOf(device);
        return new Table(
        [
            .. device.Device.Table.Lines.Select(line => ReferenceEquals(line.Target, mirror)
                ? line with { Target = mirror with { Legs = change(mirror.Legs) } }
                : line),
        ]);
    }
}
