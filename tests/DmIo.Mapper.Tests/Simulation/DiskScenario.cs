using DmIo.Testing;

namespace DmIo.Mapper.Tests;

/// <summary>
/// One simulated disk and one client of it, by a seed: whatever the disk may do, it does, and the model must find nothing
/// wrong with it. What comes to the disk by rates is chosen per seed.
/// </summary>
internal sealed class DiskScenario
{
    private const int Length = 256;
    private const int MaxUnderWay = 32;

    private readonly Random _random;
    private readonly HistoryClient _client;
    private ManualLoop _loop = new();

    public DiskScenario(int seed, Action<SimulatedMedia>? arrange = null)
    {
        _random = new Random(seed);
        Media = new SimulatedMedia(_random, "disk", new Sectors(Length), _random.Next(3) == 0 ? 4096 : 512)
        {
            TellsHoles = true,
            DiscardZeroes = _random.Next(2) == 0,
            HasCache = _random.Next(8) > 0,
            LatencyMean = TimeSpan.FromMilliseconds(_random.Next(4)),
            Story = Story,
        };
        HistorySettling settling = _random.Next(2) == 0 ? HistorySettling.Exactly : HistorySettling.Never;
        _client = new HistoryClient(new HistoryModel(Length, HistoryOrder.Any, settling))
        {
            FlushErrorsSpoilReads = true,
            Story = Story,
        };
        // What a failed flush forgot may be read once more and then no more: nothing is settled by that.
        Media.Faults.FlushErrors = settling == HistorySettling.Never && _random.Next(2) == 0 ? 0.2 : 0;
        if (_random.Next(2) == 0)
        {
            Media.Faults.WriteErrors = Media.Faults.ReadErrors = 0.05;
            Media.Faults.DiscardErrors = Media.Faults.ZeroesErrors = 0.1;
            Media.Faults.Vanishings = 0.01;
            Media.Faults.SlowOperations = 0.01;
        }
        arrange?.Invoke(Media);
        Open();
    }

    public SimulatedMedia Media { get; }

    public Story Story { get; } = new();

    /// <summary>Reads that were checked.</summary>
    public long Reads { get; private set; }

    public void Run(int steps)
    {
        _client.OnCompleted = request => Reads += request is { Operation: BlockOperation.Read, Error: Errno.None } ? 1 : 0;
        for (int i = 0; i < steps; i++)
        {
            if (_client.UnderWay < MaxUnderWay)
                Ask();
            if (_random.Next(50) == 0)
                Happen();
            if (_random.Next(3) == 0)
                _loop.Time.Advance(TimeSpan.FromMilliseconds(_random.NextDouble() * 4));
            _loop.RunUntilIdle();
        }
    }

    private void Ask()
    {
        long unit = Media.BlockBytes / Sectors.SizeBytes;
        long start = _random.NextInt64(Length / unit) * unit;
        long count = Math.Min(_random.NextInt64(1, 1 + _random.Next(1, 9)) * unit, Length - start);
        BlockFlags flags = _random.Next(8) switch
        {
            0 => BlockFlags.Fua,
            1 => BlockFlags.Preflush,
            _ => BlockFlags.None,
        };
        switch (_random.Next(20))
        {
            case < 8:
                _client.Read(start, count);
                break;
            case < 16:
                _client.Write(start, count, flags);
                break;
            case 16:
                _client.Zero(BlockOperation.WriteZeroes, start, count, flags);
                break;
            case 17:
                _client.Zero(BlockOperation.Discard, start, count);
                break;
            case 18:
                _client.Flush();
                break;
            default:
                _ = Media.IsGone ? null : ((SimulatedDisk)_client.Device).ReadExtentsAsync(new(start), new(count)).AsTask();
                break;
        }
    }

    private void Happen()
    {
        _loop.RunUntilIdle();
        switch (_random.Next(12))
        {
            case 0 or 1:
                Media.PowerCut();
                _client.PowerCut();
                Open();
                break;
            case 2:
                Media.Kill();
                _client.Kill();
                Open();
                break;
            case 3 when !Media.IsHung:
                Media.Hang();
                break;
            case 3 or 4:
                Media.EndHang();
                break;
            case 5:
                Leave();
                break;
            case >= 6 and < 10:
                Media.Return();
                break;
            case 10:
                Media.Spoil(new Sectors(_random.Next(Length)), new Sectors(1), _random.Next(4) == 0);
                break;
            default:
                Media.Revive();
                Media.CompleteVanished();
                break;
        }
    }

    private void Leave()
    {
        bool losesPower = _client.Model.Settling == HistorySettling.Never && _random.Next(2) == 0;
        Media.Leave(losesPower);
        _loop.RunUntilIdle();
        // To its client a disk that lost its cache is one whose flush failed.
        if (losesPower)
            _client.Model.Fail(_client.Model.BeginFlush(), maySpoilReads: true);
    }

    private void Open()
    {
        _loop = new ManualLoop();
        Story.Time = _loop.Time;
        Media.Return();
        _client.Device = Media.Open(_loop);
    }
}
