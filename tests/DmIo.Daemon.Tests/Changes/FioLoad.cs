namespace DmIo.Daemon.Tests;

/// <summary>
/// fio writes a part of the volume anew and verifies what it wrote, round by round, through a connection for each half: one
/// with checksums, and one with a pattern that tells the round and the place.
/// </summary>
/// <remarks>
/// fio's checksums alone let old data pass, since they are right for what was written in an earlier round. So the kind of
/// checksum changes with each round, and the pattern names it.
/// </remarks>
public sealed class FioLoad(int seed, string uri, long firstByte, long bytes)
{
    private const int Depth = 16;
    private const string BlockSizes = "512-64k";
    // More says the same of further blocks.
    private const int MostLines = 20;

    private static readonly string[] s_checksums = ["crc32c", "xxhash"];

    private Thread? _thread;
    private volatile bool _finishes;
    private volatile string? _failure;
    private int _rounds;

    /// <summary>Rounds so far, the one under way among them.</summary>
    public int Rounds => Volatile.Read(ref _rounds);

    /// <summary>What fio says is wrong.</summary>
    public string? Failure => _failure;

    public void Start()
    {
        _thread = new Thread(Run);
        _thread.Start();
    }

    /// <summary>Waits for the end of the round under way.</summary>
    public void Finish()
    {
        _finishes = true;
        if (_thread?.Join(Deadline.Usual) == false)
            _failure ??= $"round {_rounds} does not end";
    }

    /// <summary>Everything that is wrong with what the last round has written, as clients read it.</summary>
    public string? CheckVolume() => Fio(["--ioengine=nbd", $"--uri={uri}", "--verify_only"]);

    /// <summary>Everything that is wrong with what the last round has written, as a leg has it.</summary>
    public string? Check(string leg) =>
        Fio(["--ioengine=psync", $"--filename={leg}", "--allow_file_create=0", "--verify_only"]);

    private void Run()
    {
        while (!_finishes && _failure is null)
        {
            int round = Interlocked.Increment(ref _rounds);
            // Every other round reads back while it still writes.
            string[] backlog = round % 2 == 0 ? [] : ["--verify_backlog=32", "--verify_backlog_batch=16"];
            _failure = Fio(["--ioengine=nbd", $"--uri={uri}", $"--iodepth={Depth}", .. backlog]);
        }
    }

    private string? Fio(string[] target)
    {
        long half = bytes / 2;
        ToolResult result = Tool.Run(
            "fio",
            [
                .. target, "--thread", "--rw=randwrite", $"--bsrange={BlockSizes}", "--bs_unaligned=0", $"--size={half}",
                "--do_verify=1", "--verify_fatal=1", "--verify_state_save=0", "--serialize_overlap=1", "--end_fsync=1",
                $"--randseed={seed * 1009L + _rounds}",
                "--name=checksum", $"--offset={firstByte}", $"--verify={s_checksums[_rounds % s_checksums.Length]}",
                "--name=pattern", $"--offset={firstByte + half}", "--verify=pattern", $"--verify_pattern=0x{_rounds:x8}%o",
            ]);
        return result.ExitCode == 0
            ? null
            : $"fio, round {_rounds}: exit {result.ExitCode}\n"
                + string.Join('\n', (result.Error + result.Output).Split('\n').Take(MostLines));
    }
}
