using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>qemu-io: everything that QEMU's client sends, one by one and many at once.</summary>
public sealed class QemuIoTests
{
    private Volume _volume = null!;
    private DaemonProcess _daemon = null!;

    [SetUp]
    public void Serve()
    {
        _volume = new Volume("64M");
        _daemon = _volume.Serve();
    }

    [TearDown]
    public void Stop()
    {
        using (_volume)
        {
            Assert.That(_daemon.Stop(), Is.Zero, _daemon.Log);
            _volume.CompareLegs();
        }
    }

    // Goal: requests under way together; QEMU sends them in an order of its own, so of those that overlap any may be the last
    // one, but the same on each leg.
    [Test]
    public void Asynchronous_writes_and_reads_run_side_by_side()
    {
        var commands = new List<string>();
        for (int i = 0; i < 64; i++)
            commands.Add($"aio_write -q -P {i + 1} {i * 300}k 300k");
        for (int i = 0; i < 32; i++)
            commands.Add($"aio_write -q -P {100 + i} {32768 + i}k 1M");
        commands.Add("aio_flush");
        for (int i = 0; i < 64; i++)
            commands.Add($"aio_read -q -P {i + 1} {i * 300}k 300k");
        commands.Add("aio_flush");
        Run(commands);
    }

    // Goal: zeroes that may be holes (-u) and that may not, discards, FUA (-f) and vectors, aligned or not.
    [TestCase("write -z 1M 1M", "read -P 0 1M 1M")]
    [TestCase("write -z -u 1M 1M", "read -P 0 1M 1M")]
    [TestCase("write -z -f 1234567 7654321", "read -P 0 1234567 7654321")]
    [TestCase("write -z -u -f 1234567 7654321", "read -P 0 1234567 7654321")]
    [TestCase("aio_write -z 4M 4M", "read -P 0 4M 4M")]
    [TestCase("aio_write -z -u 4M 4M", "read -P 0 4M 4M")]
    [TestCase("write -z 0 64M", "read -P 0 0 64M")]
    [TestCase("write -f -P 5 12345 67890", "read -P 5 12345 67890")]
    [TestCase("writev -P 6 1000 100 200 300 4096 65536", "readv -P 6 1000 100 200 300 4096 65536")]
    public void What_is_written_is_read_and_all_around_it_is_as_it_was(string write, string read) =>
        Run(["write -q -P 0xab 0 64M", write, "aio_flush", read, "flush", .. Around(read)]);

    // Goal: a discard changes nothing outside its range, wherever that begins.
    [TestCase("discard 4M 4M", 4 << 20, 8 << 20)]
    [TestCase("discard 1234567 7654321", 1234567, 1234567 + 7654321)]
    [TestCase("discard 100 100", 100, 200)]
    [TestCase("discard 65000k 536k", 65000 << 10, 64 << 20)]
    public void A_discard_stays_inside_its_range(string discard, int from, int to)
    {
        var commands = new List<string> { "write -q -P 0xab 0 64M", discard, $"read -P 0xab 0 {from}" };
        if (to < 64 << 20)
            commands.Add($"read -P 0xab {to} {(64 << 20) - to}");
        Run(commands);
    }

    private static string[] Around(string read)
    {
        string[] words = read.Split(' ');
        long from = Number(words[3]);
        long to = from + words[4..].Sum(Number);
        var around = new List<string>();
        if (from > 0)
            around.Add($"read -P 0xab 0 {from}");
        if (to < 64 << 20)
            around.Add($"read -P 0xab {to} {(64 << 20) - to}");
        return [.. around];
    }

    private static long Number(string text) => text[^1] == 'M' ? long.Parse(text[..^1]) << 20 : long.Parse(text);

    private void Run(IEnumerable<string> commands)
    {
        ToolResult result = Tool.Run(
            "qemu-io", ["-f", "raw", "-d", "unmap", .. commands.SelectMany(c => new[] { "-c", c }), _volume.Uri]).MustSucceed();
        Assert.That(result.Output + result.Error, Does.Not.Contain("failed").IgnoreCase.And.Not.Contain("error").IgnoreCase);
    }
}
