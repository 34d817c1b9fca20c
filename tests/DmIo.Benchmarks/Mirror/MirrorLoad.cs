using System.Diagnostics;
using DmIo.Testing;

namespace DmIo.Benchmarks.Mirror;

/// <summary>Keeps so many 4 KiB reads and writes, half of each, at random blocks under way. Lives on the device's loop.</summary>
internal sealed class MirrorLoad(BlockDevice device, int depth, int seed)
{
    private static readonly Sectors s_block = Sectors.FromBytes(4096);

    private readonly Random _random = new(seed);
    private readonly Stack<Operation> _free = new();
    private TaskCompletionSource _ended = new();
    private bool _waitsForCaught;
    private long _turnTicks;
    private long _until;
    private int _underWay;

    public Latencies Reads { get; } = new();

    public Latencies Writes { get; } = new();

    /// <summary>What took longer than <see cref="CaughtTicks"/>.</summary>
    public Latencies Caught { get; } = new();

    /// <summary>Above this an operation was caught by the hang.</summary>
    public long CaughtTicks { get; init; }

    /// <summary>How many of these began after the first of them had been answered: the hang should catch no more.</summary>
    public int CaughtLater { get; private set; }

    /// <summary>
    /// Runs for so long; if something is to be caught first, so long after the first that was.
    /// </summary>
    public Task RunAsync(TimeSpan turn, bool waitsForCaught)
    {
        Reads.Clear();
        Writes.Clear();
        Caught.Clear();
        CaughtLater = 0;
        _ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _waitsForCaught = waitsForCaught;
        _turnTicks = (long)(turn.TotalSeconds * Stopwatch.Frequency);
        _until = waitsForCaught ? long.MaxValue : Stopwatch.GetTimestamp() + _turnTicks;
        for (_underWay = 0; _underWay < depth; _underWay++)
            Submit(Stopwatch.GetTimestamp());
        return _ended.Task;
    }

    private void Submit(long now)
    {
        if (!_free.TryPop(out Operation? operation))
            operation = new Operation(this);
        operation.Begun = now;
        operation.Operation = _random.Next(2) == 0 ? BlockOperation.Read : BlockOperation.Write;
        operation.Start = new Sectors(_random.NextInt64(device.Length.Count / s_block.Count) * s_block.Count);
        device.Submit(operation);
    }

    private void Ended(Operation operation)
    {
        if (operation.Error != Errno.None)
            throw new InvalidOperationException($"{operation.Operation}: {operation.Error}");
        long now = Stopwatch.GetTimestamp();
        long ticks = now - operation.Begun;
        if (ticks > CaughtTicks)
        {
            Caught.Add(ticks);
            if (_waitsForCaught)
                _until = now + _turnTicks;
            else if (operation.Begun > _until - _turnTicks)
                CaughtLater++;
            _waitsForCaught = false;
        }
        else if (!_waitsForCaught)
        {
            (operation.Operation == BlockOperation.Read ? Reads : Writes).Add(ticks);
        }
        if (now < _until)
            Submit(now);
        else if (--_underWay == 0)
            _ended.SetResult();
    }

    private sealed class Operation : BlockRequest
    {
        private readonly MirrorLoad _load;
        private readonly TestBuffer _buffer = new(4096);

        public Operation(MirrorLoad load)
        {
            _load = load;
            Count = s_block;
            Data = _buffer.Vector;
        }

        public long Begun { get; set; }

        public override bool TakesOtherMemory => true;

        protected override void Completed()
        {
            ReleaseAnswer();
            if (!IsHeld)
                _load._free.Push(this);
            _load.Ended(this);
        }

        protected override void Unheld() => _load._free.Push(this);
    }
}
