namespace DmIo.Mapper;

/// <summary>
/// A run of another device that is sound for some seconds and then is not, in turn, on the loop's clock from the start of
/// the target on.
/// </summary>
internal sealed class FlakeyTarget : LegTarget
{
    // The bits of the kernel's operation word that requests have here.
    private const uint WriteBit = 1;
    private const uint FuaBit = 1 << 17;

    // Arbitrary: copies of the largest requests of many connections. What finds no room is written as it is.
    private const long CopyLimitBytes = 64 << 20;

    private readonly FlakeySpec _spec;
    private readonly FlakeyFeatures _features;
    private readonly TargetLeg _leg;
    private readonly Random _random;
    private readonly BufferPool? _copies;
    private long _startedAt;

    public FlakeyTarget(MappedDevice host, TableLine line, TargetLeg leg, Random random)
        : base(host, line, [leg])
    {
        _spec = (FlakeySpec)line.Target;
        _features = _spec.Features;
        _leg = leg;
        _random = random;
        _startedAt = Loop.Time.GetTimestamp();
        if (_features.CorruptByte is { OfWrites: true } || _features.RandomWriteCorrupt > 0)
            _copies = new BufferPool(CopyLimitBytes);
    }

    public override string TableWords =>
        $"{_leg.Shown} {_leg.Offset} {_spec.UpSeconds} {_spec.DownSeconds} {FeatureWords}";

    // Corruption changes the memory of whoever asked, not the device's.
    protected override bool PassesAnswers =>
        _features.CorruptByte is not { OfWrites: false } && _features.RandomReadCorrupt == 0;

    private bool IsDown
    {
        get
        {
            long elapsed = (long)Loop.Time.GetElapsedTime(_startedAt).TotalSeconds;
            return elapsed % ((long)_spec.UpSeconds + _spec.DownSeconds) >= _spec.UpSeconds;
        }
    }

    private string FeatureWords
    {
        get
        {
            var words = new List<string>();
            if (_features.ErrorReads)
                words.Add("error_reads");
            if (_features.DropWrites)
                words.Add("drop_writes");
            else if (_features.ErrorWrites)
                words.Add("error_writes");
            if (_features.CorruptByte is { } corrupt)
            {
                words.AddRange(
                    ["corrupt_bio_byte", $"{corrupt.Nth}", corrupt.OfWrites ? "w" : "r", $"{corrupt.Value}", $"{corrupt.Flags}"]);
            }
            if (_features.RandomReadCorrupt > 0)
                words.AddRange(["random_read_corrupt", $"{_features.RandomReadCorrupt}"]);
            if (_features.RandomWriteCorrupt > 0)
                words.AddRange(["random_write_corrupt", $"{_features.RandomWriteCorrupt}"]);
            return $"{words.Count} {string.Join(' ', words)}".TrimEnd();
        }
    }

    // The clocks of all loops count from the same instant.
    public override object? State => _startedAt;

    public override void TakeState(object state) => _startedAt = (long)state;

    public override void Map(BlockRequest request)
    {
        if (!IsDown)
            Pass(request, _leg);
        else if (request.Operation == BlockOperation.Read)
            MapRead(request);
        else if (_features.DropWrites)
            request.Complete(Loop);
        else if (_features.ErrorWrites)
            request.Complete(Loop, Errno.EIO, request.Start);
        else if (request.Operation == BlockOperation.Write)
            MapWrite(request);
        else
            Pass(request, _leg);
    }

    public override async ValueTask<IReadOnlyList<BlockExtent>> ReadExtentsAsync(
        Sectors start, Sectors count, CancellationToken cancellationToken)
    {
        // A hole reads as zeroes; what is to be corrupted has to be read.
        return !PassesAnswers || _features.ErrorReads
            ? await base.ReadExtentsAsync(start, count, cancellationToken)
            : Shift(await _leg.Device.ReadExtentsAsync(start + _leg.Offset, count, cancellationToken), _leg.Offset);
    }

    public override ValueTask DisposeAsync()
    {
        _copies?.Dispose();
        return base.DisposeAsync();
    }

    protected override void Returned(BlockRequest request, TargetLeg leg, Errno error, object? context)
    {
        if (error != Errno.None || !ReferenceEquals(context, this))
            return;
        if (_features.CorruptByte is { OfWrites: false } corrupt && Matches(corrupt, request))
            CorruptAt(request.Data, corrupt.Nth - 1, corrupt.Value);
        if (Draw(_features.RandomReadCorrupt))
            CorruptAnywhere(request.Data);
    }

    protected override void Released(object context) => (context as SpareMemory)?.Release();

    private static bool Matches(FlakeyByte corrupt, BlockRequest request)
    {
        uint word = (request.Operation == BlockOperation.Write ? WriteBit : 0)
            | ((request.Flags & BlockFlags.Fua) != 0 ? FuaBit : 0);
        return (word & corrupt.Flags) == corrupt.Flags;
    }

    private static void CorruptAt(IoVector data, long index, byte value)
    {
        if (index >= data.LengthBytes)
            return;
        foreach (IoSegment segment in data.Slice(index, 1))
            segment.Span[0] = value;
    }

    private void MapRead(BlockRequest request)
    {
        if (_features.ErrorReads)
            request.Complete(Loop, Errno.EIO, request.Start);
        else if (PassesAnswers)
            Pass(request, _leg);
        else // Marked, for the period may be another when it comes back.
            Pass(request, _leg, request.Start + _leg.Offset, request.Data, this);
    }

    private void MapWrite(BlockRequest request)
    {
        FlakeyByte? corrupt = _features.CorruptByte is { OfWrites: true } match && Matches(match, request) ? match : null;
        bool isRandom = Draw(_features.RandomWriteCorrupt);
        if ((corrupt is null && !isRandom) || SpareMemory.TryRent(_copies!, request.Data.LengthBytes) is not { } copy)
        {
            Pass(request, _leg);
            return;
        }
        long at = 0;
        foreach (IoSegment segment in copy.Vector)
        {
            request.Data.Slice(at, segment.LengthBytes).CopyTo(segment.Span);
            at += segment.LengthBytes;
        }
        if (corrupt is not null)
            CorruptAt(copy.Vector, corrupt.Nth - 1, corrupt.Value);
        if (isRandom)
            CorruptAnywhere(copy.Vector);
        Pass(request, _leg, request.Start + _leg.Offset, copy.Vector, copy);
    }

    private bool Draw(uint probability) =>
        probability > 0 && _random.NextInt64(FlakeyFeatures.ProbabilityBase) < probability;

    private void CorruptAnywhere(IoVector data) =>
        CorruptAt(data, _random.NextInt64(data.LengthBytes), (byte)_random.Next(256));
}
