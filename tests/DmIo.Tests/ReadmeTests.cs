using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using DmIo.Testing;

namespace DmIo.Tests;

/// <summary>The library's README: its examples run, and its table is complete.</summary>
internal sealed partial class ReadmeTests
{
    [Test]
    public void The_examples_of_the_services_work()
    {
        // Each form of memory, each way to call, as the README shows it.
        var test = new LoopUnderTest("threads");
        using var _ = test;
        KernelLoop loop = (KernelLoop)test.Loop;
        var a = new MemoryDevice(loop, "a", new Sectors(64));
        var b = new MemoryDevice(loop, "b", new Sectors(64));
        TestBuffer memory = TestBuffer.Random(new Sectors(16), 1);
        Task.Run(() => RunAsync(loop, a, b, memory.Segment.Address)).GetAwaiter().GetResult();
        Assert.That(
            a.Contents(new Sectors(8), new Sectors(8)).SequenceEqual(memory.Span[..4096]), Is.True, "the last write's bytes");
        Assert.That(a.Contents(Sectors.Zero, a.Length).SequenceEqual(b.Contents(Sectors.Zero, b.Length)), Is.True);
    }

    [Test]
    public void Every_example_is_the_code_that_runs()
    {
        // A block of the README that is not in this file, line for line, would be an example that nobody has run.
        string source = Normalized(File.ReadAllText(ThisFile()));
        string[] blocks = [.. CodeBlock().Matches(Readme()).Select(match => Normalized(match.Groups[1].Value))];
        Assert.That(blocks, Has.Length.EqualTo(4));
        foreach (string block in blocks)
            Assert.That(source.Contains(block, StringComparison.Ordinal), Is.True, block);
    }

    [Test]
    public void Every_name_of_the_document_has_its_own()
    {
        // The table leaves out no identifier of dm-io.txt, and the calls it names exist.
        string[] names =
        [
            "io_region", "block_device", "bdev", "sector_t", "sector", "count", "page_list", "next", "page", "num_regions",
            "where", "rw", "pl", "offset", "error_bits", "fn", "context", "bio_vec", "bvec", "data", "io_notify_fn", "error",
            "dm_io_sync", "dm_io_async", "dm_io_sync_bvec", "dm_io_async_bvec", "dm_io_sync_vm", "dm_io_async_vm",
            "dm_io_get", "dm_io_put",
        ];
        string[] rows = [.. Readme().Split('\n').Where(line => line.StartsWith('|'))];
        foreach (string name in names)
            Assert.That(rows.Any(row => FirstCell(row).Contains(name)), Is.True, name);
        foreach (Match call in ClassicName().Matches(string.Concat(rows)))
            Assert.That(typeof(ClassicDmIo).GetMethod(call.Groups[1].Value), Is.Not.Null, call.Value);
    }

    private static async Task RunAsync(IoLoop loop, BlockDevice a, BlockDevice b, nint page)
    {
        await using var client = new IoClient(loop);
        byte[] data = new byte[4096];
        IoRegion[] both = [new(a, new Sectors(8), new Sectors(8)), new(b, new Sectors(8), new Sectors(8))];
        IoResult written = await client.WriteAsync(both, data, BlockFlags.Fua);
        if (!written.IsSuccess)
            Console.WriteLine($"failed legs: 0x{written.Outcome.ErrorBits:x}, the second because of {written.Outcome[1]?.Errno}");
        IoResult read = await client.ReadAsync(both[0], data);
        Assert.That((written.IsSuccess, read.IsSuccess), Is.EqualTo((true, true)));

        var done = new TaskCompletionSource<ulong>(TaskCreationOptions.RunContinuationsAsynchronously);
        var vector = new IoVector([new IoSegment(page, 512), new IoSegment(page + 4096, 3584)], 2);
        Errno refused = client.Start(
            BlockOperation.Write, BlockFlags.None, both, IoMemory.FromVector(vector),
            static (in outcome, context) => ((TaskCompletionSource<ulong>)context!).SetResult(outcome.ErrorBits), done);
        Assert.That((refused, await done.Task), Is.EqualTo((Errno.None, 0UL)));

        var pages = new PageList(page, new PageList(page + 4096));
        IoResult result = client.Execute(BlockOperation.Write, BlockFlags.None, both, IoMemory.FromPages(pages, 1024));
        Assert.That(result.IsSuccess, Is.True);
        await UseClassicAsync(new ClassicDmIo(loop), both, pages, page);
    }

    private static async Task UseClassicAsync(ClassicDmIo classic, IoRegion[] both, PageList pages, nint page)
    {
        int notified = 0;
        IoNotify notify = (error, context) =>
        {
            if (error == 0 && context is string)
                Interlocked.Increment(ref notified);
        };
        classic.Get(2);
        ulong errorBits = ulong.MaxValue;
        Errno errno = classic.IoSync(both, BlockOperation.Write, pages, 1024, ref errorBits);
        errno = classic.IoSyncBvec(both, BlockOperation.Write, [new BioVec(page, 4096, 0)], ref errorBits);
        errno = classic.IoSyncVm(both, BlockOperation.Write, new IoSegment(page, 4096), ref errorBits);
        errno = classic.IoAsync(both, BlockOperation.Write, pages, 1024, notify, "pages");
        errno = classic.IoAsyncBvec(both, BlockOperation.Write, [new BioVec(page, 4096, 0)], notify, "vectors");
        errno = classic.IoAsyncVm(both, BlockOperation.Write, new IoSegment(page, 4096), notify, "buffer");
        classic.Put(2);
        await classic.DisposeAsync();
        Assert.That((errno, errorBits, notified), Is.EqualTo((Errno.None, 0UL, 3)));
    }

    private static string FirstCell(string row) => row.Split('|')[1];

    private static string Normalized(string code) =>
        string.Join('\n', code.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0));

    private static string Readme() =>
        File.ReadAllText(Path.Combine(Path.GetDirectoryName(ThisFile())!, "../../src/DmIo/README.md"));

    private static string ThisFile([CallerFilePath] string path = "") => path;

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"`ClassicDmIo\.(\w+)`")]
    private static partial Regex ClassicName();
}
