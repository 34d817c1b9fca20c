namespace DmIo.Daemon.Tests;

/// <summary>
/// Something that goes on beside a change: it ends after so many writes, at a refusal, or with the change, whatever comes first.
/// </summary>
public sealed class LegTrouble
{
    private const int BadBlocks = 4;
    private const int BlockBytes = 4096;
    private const string MostFailures = "255";

    private readonly ChangedVolume _volume;
    private readonly LegTroubleKind _kind;
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _healed = new();
    private volatile Exception? _failure;

    /// <summary>Begins it.</summary>
    /// <param name="volume">The mirror.</param>
    /// <param name="kind">What goes on.</param>
    /// <param name="random">For bad blocks.</param>
    /// <param name="isOver">Whether it ends by itself.</param>
    public LegTrouble(ChangedVolume volume, LegTroubleKind kind, Random random, Func<bool> isOver)
    {
        (_volume, _kind) = (volume, kind);
        Begin(random);
        _volume.OnRefusal = _healed.Set;
        _thread = new Thread(() => Run(isOver));
        _thread.Start();
    }

    /// <summary>Heals what is not healed yet.</summary>
    public void End()
    {
        _healed.Set();
        _thread.Join();
        _volume.OnRefusal = null;
        _healed.Dispose();
        if (_failure is { } failure)
            throw new InvalidDataException($"{_kind}: {failure.Message}", failure);
    }

    private void Begin(Random random)
    {
        switch (_kind)
        {
            case LegTroubleKind.BadReads:
            case LegTroubleKind.BadWrites:
                for (int i = 0; i < BadBlocks; i++)
                {
                    string block = $"{random.Next((ChangedVolume.FirstMib << 20) / BlockBytes)}";
                    string[] message = ["addbadblock", block];
                    _volume.Message(_kind == LegTroubleKind.BadReads ? message : [.. message, MostFailures]);
                }
                _volume.Message("enable");
                break;
            case LegTroubleKind.Fails:
                _volume.SwapShaky(ChangedVolume.FailingTable);
                break;
            case LegTroubleKind.ComesAndGoes:
                _volume.SwapShaky(_volume.ShakyTable("flakey", "0 1 1"));
                break;
            case LegTroubleKind.IsSlow:
                _volume.SwapShaky(_volume.ShakyTable("delay", $"0 0 {_volume.ShakyFile} 0 5"));
                break;
        }
    }

    private void Run(Func<bool> isOver)
    {
        try
        {
            // What a check finds is nothing, or nothing is said because it was refused or interrupted.
            if (_kind == LegTroubleKind.Check)
                _volume.Try("check", "vol0", "--anew");
            else
                Deadline.WaitFor(() => _healed.IsSet || isOver(), "the end of the trouble");
        }
        catch (Exception e) when (e is InvalidDataException or TimeoutException)
        {
            _failure = e;
        }
        Heal();
    }

    private void Heal()
    {
        try
        {
            if (_kind is LegTroubleKind.BadReads or LegTroubleKind.BadWrites)
            {
                _volume.Message("clearbadblocks");
                _volume.Message("disable");
            }
            else if (_kind is not (LegTroubleKind.None or LegTroubleKind.Check))
            {
                _volume.SwapShaky(_volume.SoundTable);
            }
        }
        catch (Exception e) when (e is InvalidDataException or TimeoutException)
        {
            _failure ??= e;
        }
    }
}
