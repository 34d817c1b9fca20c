using DmIo.Nbd.Transmission;

namespace DmIo.Nbd.Status;

/// <summary>x-dmio:failed-legs and x-dmio:out-of-sync: what the device tells of its legs, bit i for leg i.</summary>
internal static class LegStatus
{
    /// <summary>Tells of a request's range; a device that knows nothing of legs has none that fail.</summary>
    public static void Read(NbdRequest request, RegionQuestion question, StatusChunk chunk)
    {
        var runs = new List<RegionLegs>();
        Sectors start = Sectors.Floor(request.OffsetBytes);
        Sectors count = Sectors.Ceiling(request.OffsetBytes + request.LengthBytes) - start;
        // Neighbours may be alike, so as many runs may be fewer extents: the client asks again for the rest.
        (request.Connection.Device as IRegionStates)?.ReadRegions(
            question, start, count, StatusLimits.MostExtents, runs);
        long at = request.OffsetBytes;
        foreach (RegionLegs run in runs)
        {
            chunk.Add(run.End.Bytes - at, run.Legs);
            at = run.End.Bytes;
        }
        if (runs.Count == 0)
            chunk.Add(request.LengthBytes, 0);
    }
}
