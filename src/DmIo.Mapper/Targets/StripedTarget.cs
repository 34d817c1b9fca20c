using System.Numerics;

namespace DmIo.Mapper;

/// <summary>
/// Chunks of the line go to its legs in turn. What lies in one chunk is passed on as it is; everything else is done in
/// parts, all of them at once.
/// </summary>
internal sealed class StripedTarget : LegTarget, IPartedTarget
{
    private readonly TargetLeg[] _legs;
    private readonly long _chunk;
    private readonly int _chunkShift;
    private readonly bool[] _hasFailed;
    private readonly PartedRequests _parted;

    public StripedTarget(MappedDevice host, TableLine line, TargetLeg[] legs)
        : base(host, line, legs)
    {
        _legs = legs;
        _chunk = ((StripedSpec)line.Target).ChunkSize.Count;
        _chunkShift = BitOperations.IsPow2(_chunk) ? BitOperations.Log2((ulong)_chunk) : -1;
        _hasFailed = new bool[legs.Length];
        _parted = new PartedRequests(Loop, this);
    }

    public override Sectors WriteZeroesLimit => _legs.Select(leg => leg.Device.WriteZeroesLimit).Min();

    public override bool CanZeroFast => _legs.All(leg => leg.Device.CanZeroFast);

    public override string TableWords =>
        $"{_legs.Length} {_chunk} {string.Join(' ', _legs.Select(leg => $"{leg.Shown} {leg.Offset}"))}";

    public override string StatusWords
    {
        get
        {
            string health = string.Concat(_hasFailed.Select(failed => failed ? 'D' : 'A'));
            return $"{_legs.Length} {string.Join(' ', _legs.Select(leg => leg.Shown))} 1 {health}";
        }
    }

    public override void Map(BlockRequest request)
    {
        if (request.Operation == BlockOperation.Flush)
        {
            FlushAll(request);
            return;
        }
        long chunk = ChunkOf(request.Start.Count);
        if (chunk == ChunkOf(request.End.Count - 1))
        {
            (long row, long leg) = Math.DivRem(chunk, _legs.Length);
            TargetLeg place = _legs[leg];
            Sectors start = place.Offset + new Sectors(row * _chunk + request.Start.Count - chunk * _chunk);
            Pass(request, place, start, request.Data, null);
        }
        else if (request.Operation <= BlockOperation.Write)
        {
            MapChunks(request);
        }
        else
        {
            MapRuns(request);
        }
    }

    public override async ValueTask<IReadOnlyList<BlockExtent>> ReadExtentsAsync(
        Sectors start, Sectors count, CancellationToken cancellationToken)
    {
        var runs = new StripeExtents[_legs.Length];
        for (int leg = 0; leg < _legs.Length; leg++)
        {
            (Sectors from, Sectors length) = RunOn(leg, start.Count, start.Count + count.Count);
            runs[leg] = length == Sectors.Zero
                ? new StripeExtents([])
                : new StripeExtents(await _legs[leg].Device.ReadExtentsAsync(from, length, cancellationToken));
        }
        var extents = new List<BlockExtent>();
        long end = start.Count + count.Count;
        for (long at = start.Count; at < end && !ExtentBound.IsReached(extents, start + count);)
        {
            long chunk = ChunkOf(at);
            long take = Math.Min((chunk + 1) * _chunk, end) - at;
            at = runs[chunk % _legs.Length].MoveTo(extents, at, take);
        }
        return extents;
    }

    TargetLeg IPartedTarget.LegOf(int index) => _legs[index];

    Sectors IPartedTarget.BackOf(int leg, Sectors sector)
    {
        long onLeg = sector.Count - _legs[leg].Offset.Count;
        long row = ChunkOf(onLeg);
        return new Sectors((row * _legs.Length + leg) * _chunk + onLeg - row * _chunk);
    }

    void IPartedTarget.PartFailed(int leg, Errno error) => Failed(leg, error);

    protected override void Returned(BlockRequest request, TargetLeg leg, Errno error, object? context)
    {
        if (error != Errno.None)
            Failed(Array.IndexOf(_legs, leg), error);
    }

    private void FlushAll(BlockRequest request)
    {
        PartedRequests.Parted parted = _parted.Begin(request);
        for (int leg = 0; leg < _legs.Length; leg++)
            parted.Add(leg, Sectors.Zero, Sectors.Zero, Sectors.Zero);
        parted.End();
    }

    private void MapChunks(BlockRequest request)
    {
        PartedRequests.Parted parted = _parted.Begin(request);
        long end = request.End.Count;
        long chunk = ChunkOf(request.Start.Count);
        (long row, long leg) = Math.DivRem(chunk, _legs.Length);
        for (long at = request.Start.Count; at < end; chunk++)
        {
            long begin = chunk * _chunk;
            long take = Math.Min(begin + _chunk, end) - at;
            Sectors start = _legs[leg].Offset + new Sectors(row * _chunk + at - begin);
            parted.Add((int)leg, start, new Sectors(take), new Sectors(at - request.Start.Count));
            at += take;
            if (++leg == _legs.Length)
            {
                leg = 0;
                row++;
            }
        }
        parted.End();
    }

    // What has no data takes one part for each leg, however many chunks there are.
    private void MapRuns(BlockRequest request)
    {
        PartedRequests.Parted parted = _parted.Begin(request);
        for (int leg = 0; leg < _legs.Length; leg++)
        {
            (Sectors from, Sectors length) = RunOn(leg, request.Start.Count, request.End.Count);
            if (length > Sectors.Zero)
                parted.Add(leg, from, length, Sectors.Zero);
        }
        parted.End();
    }

    // Chunks that follow each other on a leg lie side by side on its device, so a range is one run there.
    private (Sectors From, Sectors Length) RunOn(int leg, long start, long end)
    {
        long from = OnLeg(leg, start);
        return (_legs[leg].Offset + new Sectors(from), new Sectors(OnLeg(leg, end) - from));
    }

    // How many of the line's first sectors lie on a leg.
    private long OnLeg(int leg, long sectors)
    {
        long chunk = ChunkOf(sectors);
        (long row, long at) = Math.DivRem(chunk, _legs.Length);
        long whole = row * _chunk;
        if (leg < at)
            return whole + _chunk;
        return leg == at ? whole + sectors - chunk * _chunk : whole;
    }

    private long ChunkOf(long sector) => _chunkShift >= 0 ? sector >> _chunkShift : sector / _chunk;

    private void Failed(int leg, Errno error)
    {
        // As in the kernel, what a leg cannot do at all is no failure of it.
        if (error == Errno.EOPNOTSUPP || _hasFailed[leg])
            return;
        _hasFailed[leg] = true;
        Host.HealthChangedOf(
            this, VolumeEventKind.LegFailed, new EventDetails { Leg = leg, Device = _legs[leg].Argument, Errno = error });
    }
}
