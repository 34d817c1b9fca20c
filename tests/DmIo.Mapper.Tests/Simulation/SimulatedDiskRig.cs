using System.Runtime.InteropServices;
using DmIo.Testing;

namespace DmIo.Mapper.Tests;

/// <summary>A simulated disk without latency or faults, and requests whose sectors are filled with a number.</summary>
internal sealed class SimulatedDiskRig
{
    public const int Length = 64;

    public SimulatedDiskRig(int seed = 1, int blockBytes = 512)
    {
        Media = new SimulatedMedia(new Random(seed), "disk", new Sectors(Length), blockBytes);
        Disk = Media.Open(Loop);
    }

    public SimulatedMedia Media { get; }

    public ManualLoop Loop { get; private set; } = new();

    public SimulatedDisk Disk { get; private set; }

    public TestRequest Submit(TestRequest request)
    {
        Disk.Submit(request);
        Loop.RunUntilIdle();
        return request;
    }

    public TestRequest Write(long start, long count, long value, BlockFlags flags = BlockFlags.None)
    {
        var buffer = new TestBuffer((int)new Sectors(count).Bytes);
        MemoryMarshal.Cast<byte, long>(buffer.Span).Fill(value);
        return Submit(TestRequest.Write(new Sectors(start), buffer, flags));
    }

    public TestRequest Flush() => Submit(TestRequest.Flush());

    public Errno ReadError(long start, long count) =>
        Submit(TestRequest.Read(new Sectors(start), new TestBuffer((int)new Sectors(count).Bytes))).Error;

    /// <summary>What is read, the first number of each sector.</summary>
    public long[] Read(long start, long count)
    {
        var buffer = new TestBuffer((int)new Sectors(count).Bytes);
        TestRequest request = Submit(TestRequest.Read(new Sectors(start), buffer));
        Assert.That((request.Completions, request.Error), Is.EqualTo((1, Errno.None)));
        return [.. Enumerable.Range(0, (int)count).Select(i => MemoryMarshal.Read<long>(buffer.Span[(i * 512)..]))];
    }

    public void PowerCut()
    {
        Media.PowerCut();
        Reopen();
    }

    public void Kill()
    {
        Media.Kill();
        Reopen();
    }

    public void Wait(double milliseconds = 1000) => Loop.Time.Advance(TimeSpan.FromMilliseconds(milliseconds));

    /// <summary>What several seeds lead to, each once.</summary>
    public static HashSet<T> Outcomes<T>(Func<SimulatedDiskRig, T> run, int blockBytes = 512)
    {
        // Enough for every outcome of two coins and a share.
        const int Seeds = 200;
        return [.. Enumerable.Range(1, Seeds).Select(seed => run(new SimulatedDiskRig(seed, blockBytes)))];
    }

    private void Reopen()
    {
        Loop = new ManualLoop();
        Disk = Media.Open(Loop);
    }
}
