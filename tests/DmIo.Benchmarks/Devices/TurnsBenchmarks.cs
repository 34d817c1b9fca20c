using BenchmarkDotNet.Attributes;
using DmIo.Testing;

namespace DmIo.Benchmarks.Devices;

/// <summary>Taking and leaving a turn while others are held: the price of order on every write.</summary>
[MemoryDiagnoser]
public class TurnsBenchmarks
{
    private readonly ManualLoop _loop = new();
    private readonly Place _turn = new();
    private Turns _turns = null!;

    [Params(0, 31, 127, 511)]
    public int OthersHeld { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _turns = new Turns(_loop);
        for (int i = 0; i < OthersHeld; i++)
            _turns.TryEnter(new Place(), new Sectors((i + 1) * 1000L), new Sectors(8));
    }

    [Benchmark]
    public void EnterAndLeave()
    {
        _turns.TryEnter(_turn, Sectors.Zero, new Sectors(8));
        _turns.Leave(_turn);
    }

    private sealed class Place : Turn
    {
        protected override void Granted()
        {
        }
    }
}
