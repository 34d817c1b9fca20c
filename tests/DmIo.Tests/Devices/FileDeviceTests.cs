using DmIo.Linux;
using DmIo.Testing;

namespace DmIo.Tests;

/// <summary>Regular files as devices, on every kind of loop and on every kind of file system that matters.</summary>
[TestFixture("manual", "disk")]
[TestFixture("manual", "memory")]
[TestFixture("manual", "direct")]
[TestFixture("threads", "disk")]
[TestFixture("threads", "memory")]
[TestFixture("threads", "direct")]
[TestFixture("io_uring", "disk")]
[TestFixture("io_uring", "memory")]
[TestFixture("io_uring", "direct")]
internal sealed class FileDeviceTests(string loopKind, string where)
{
    private static readonly Sectors s_length = new(65536);

    private LoopUnderTest _loop = null!;
    private TestDirectory _directory = null!;
    private string _path = null!;

    [SetUp]
    public void SetUp()
    {
        _loop = new LoopUnderTest(loopKind);
        _directory = where == "memory" ? TestDirectory.InMemory() : TestDirectory.OnDisk();
        _path = _directory.Sparse("leg", s_length);
    }

    [TearDown]
    public void TearDown()
    {
        _loop.Dispose();
        _directory.Dispose();
    }

    [Test]
    public void What_is_written_is_read_back_and_lies_in_the_file()
    {
        // Bytes go where they belong, through the device and past it.
        TestBuffer written = TestBuffer.Random(new Sectors(2048), 1);
        var read = new TestBuffer((int)new Sectors(2048).Bytes);
        OnDevice(async device =>
        {
            await device.MustDoAsync(TestRequest.Write(new Sectors(4096), written));
            await device.MustDoAsync(TestRequest.Read(new Sectors(4096), read));
            await device.MustDoAsync(TestRequest.Flush());
        });
        Assert.That(read.Span.SequenceEqual(written.Span), Is.True);
        Assert.That(ReadFile(new Sectors(4096), new Sectors(2048)).AsSpan().SequenceEqual(written.Span), Is.True);
    }

    [Test]
    public void Vectors_of_many_segments_and_skewed_memory_move_the_same_bytes()
    {
        // Segments of any number and address work, with O_DIRECT too, which copies where it must.
        TestBuffer source = TestBuffer.Random(new Sectors(8 * 700), 2);
        IoSegment[] pages =
            [.. Enumerable.Range(0, 700).Select(i => new IoSegment(source.Segment.Address + (699 - i) * 4096, 4096))];
        var skewed = new TestBuffer(source.Span.Length, skewBytes: 33);
        OnDevice(async device =>
        {
            await device.MustDoAsync(new TestRequest
            {
                Operation = BlockOperation.Write,
                Start = new Sectors(8),
                Count = new Sectors(8 * 700),
                Data = new IoVector(pages, pages.Length),
            });
            await device.MustDoAsync(TestRequest.Read(new Sectors(8), skewed));
        });
        for (int i = 0; i < 700; i++)
        {
            Assert.That(
                skewed.Span.Slice(i * 4096, 4096).SequenceEqual(source.Span.Slice((699 - i) * 4096, 4096)), Is.True);
        }
    }

    [Test]
    public void Many_requests_at_once_each_complete_once()
    {
        // Requests in flight together do not disturb one another.
        TestBuffer[] buffers = [.. Enumerable.Range(0, 64).Select(i => TestBuffer.Random(new Sectors(64), i))];
        OnDevice(async device =>
        {
            await Task.WhenAll(buffers.Select((buffer, i) =>
                device.MustDoAsync(TestRequest.Write(new Sectors(i * 64), buffer)).AsTask()));
        });
        for (int i = 0; i < 64; i++)
        {
            byte[] file = ReadFile(new Sectors(i * 64), new Sectors(64));
            Assert.That(file.AsSpan().SequenceEqual(buffers[i].Span), Is.True, $"write {i}");
        }
    }

    [Test]
    public void Durable_writes_and_flushes_complete()
    {
        // FUA and preflush go through the group commit and come back.
        TestBuffer buffer = TestBuffer.Random(new Sectors(8), 3);
        OnDevice(async device =>
        {
            await device.MustDoAsync(TestRequest.Write(Sectors.Zero, buffer, BlockFlags.Fua));
            await device.MustDoAsync(TestRequest.Write(new Sectors(8), buffer, BlockFlags.Preflush | BlockFlags.Fua));
            await device.MustDoAsync(TestRequest.Flush());
        });
        Assert.That(ReadFile(new Sectors(8), new Sectors(8)).AsSpan().SequenceEqual(buffer.Span), Is.True);
    }

    [Test]
    public void Discard_and_write_zeroes_give_space_back_and_read_as_zeroes()
    {
        // Holes are punched, so a sparse leg stays sparse; with NoUnmap the space stays.
        TestBuffer buffer = TestBuffer.Random(new Sectors(4096), 4);
        var read = new TestBuffer(buffer.Span.Length);
        OnDevice(async device =>
        {
            Assert.That(device.DiscardLimit, Is.EqualTo(FileDevice.RangeLimit));
            await device.MustDoAsync(TestRequest.Write(Sectors.Zero, buffer, BlockFlags.Fua));
            Assert.That(await KindsAsync(device, 0, 4096), Is.EqualTo(new[] { ExtentKind.Data }));
            await device.MustDoAsync(TestRequest.Discard(new Sectors(1024), new Sectors(1024)));
            await device.MustDoAsync(TestRequest.WriteZeroes(new Sectors(3072), new Sectors(512)));
            IReadOnlyList<BlockExtent> extents = await device.ReadExtentsAsync(Sectors.Zero, new Sectors(4096));
            Assert.That(extents.Select(e => (e.Start.Count, e.Count.Count, e.Kind)), Is.EqualTo(new[]
            {
                (0L, 1024L, ExtentKind.Data),
                (1024L, 1024L, ExtentKind.Hole),
                (2048L, 1024L, ExtentKind.Data),
                (3072L, 512L, ExtentKind.Hole),
                (3584L, 512L, ExtentKind.Data),
            }));
            await device.MustDoAsync(TestRequest.WriteZeroes(Sectors.Zero, new Sectors(512), BlockFlags.NoUnmap));
            await device.MustDoAsync(TestRequest.Read(Sectors.Zero, read));
        });
        Assert.That(read.Span[..(512 * 512)].ContainsAnyExcept((byte)0), Is.False);
        Assert.That(read.Span[(512 * 512)..(1024 * 512)].SequenceEqual(buffer.Span[(512 * 512)..(1024 * 512)]), Is.True);
        Assert.That(read.Span[(1024 * 512)..(2048 * 512)].ContainsAnyExcept((byte)0), Is.False);
        Assert.That(read.Span[(3072 * 512)..(3584 * 512)].ContainsAnyExcept((byte)0), Is.False);
        Assert.That(read.Span[(3584 * 512)..].SequenceEqual(buffer.Span[(3584 * 512)..]), Is.True);
    }

    [Test]
    public void Extents_in_pieces_are_those_of_the_whole()
    {
        // What is remembered of a run of data answers for no sector outside of it, before it, behind it or punched since.
        OnDevice(async device =>
        {
            foreach (long start in (long[])[1024, 4096, 5120])
                await device.MustDoAsync(TestRequest.Write(new Sectors(start), TestBuffer.Random(new Sectors(512), 6), BlockFlags.Fua));
            await device.MustDoAsync(TestRequest.Discard(new Sectors(4096 + 128), new Sectors(128)));
            for (int round = 0; round < 2; round++)
            {
                var pieces = new List<(long Start, ExtentKind Kind)>();
                for (long at = 0; at < 8192; at += 64)
                {
                    foreach (BlockExtent extent in await device.ReadExtentsAsync(new Sectors(at), new Sectors(64)))
                    {
                        if (pieces.Count == 0 || pieces[^1].Kind != extent.Kind)
                            pieces.Add((extent.Start.Count, extent.Kind));
                    }
                }
                IReadOnlyList<BlockExtent> whole = await device.ReadExtentsAsync(Sectors.Zero, new Sectors(8192));
                Assert.That(pieces, Is.EqualTo(whole.Select(e => (e.Start.Count, e.Kind))));
                Assert.That(pieces, Does.Contain((4096L + 128, ExtentKind.Hole)));
            }
        });
    }

    [Test]
    public void Of_many_extents_the_last_one_told_is_the_rest_as_data()
    {
        // Memory stays bounded whatever a file is like; who asks on from there comes to know all of them.
        const int block = 8;
        WriteEveryOther(block);
        OnDevice(async device =>
        {
            var told = new List<BlockExtent>();
            for (Sectors at = Sectors.Zero; at < s_length;)
            {
                IReadOnlyList<BlockExtent> part = await device.ReadExtentsAsync(at, s_length - at);
                Assert.That(part, Has.Count.LessThanOrEqualTo(ExtentBound.Most));
                Assert.That((part[^1].End, part.Count < ExtentBound.Most || part[^1].Kind == ExtentKind.Data), Is.EqualTo((s_length, true)));
                told.AddRange(part.Count == ExtentBound.Most ? part.SkipLast(1) : part);
                at = told[^1].End;
            }
            Assert.That(told, Is.EqualTo(Enumerable.Range(0, (int)(s_length.Count / block)).Select(i => new BlockExtent(
                new(i * block), new(block), i % 2 == 0 ? ExtentKind.Data : ExtentKind.Hole))));
        });
    }

    [Test]
    public void Extents_cover_exactly_what_was_asked_for()
    {
        // Consecutive, no gap, from the first sector to the last, wherever the question begins and ends.
        OnDevice(async device =>
        {
            Assert.That(await KindsAsync(device, 0, 65536), Is.EqualTo(new[] { ExtentKind.Hole }));
            await device.MustDoAsync(TestRequest.Write(new Sectors(8192), TestBuffer.Random(new Sectors(64), 5), BlockFlags.Fua));
            foreach ((long start, long count) in new[] { (0L, 65536L), (8200L, 8L), (8190L, 3L), (65535L, 1L), (8256L, 700L) })
            {
                Sectors at = new(start);
                foreach (BlockExtent extent in await device.ReadExtentsAsync(at, new Sectors(count)))
                {
                    Assert.That(extent.Start, Is.EqualTo(at));
                    at = extent.End;
                }
                Assert.That(at.Count, Is.EqualTo(start + count));
            }
        });
    }

    [Test]
    public void A_range_outside_the_device_is_refused_with_nothing_done()
    {
        // The file never grows.
        var buffer = new TestBuffer(8192);
        OnDevice(async device =>
        {
            foreach (long start in new[] { -8L, 65536 - 8, 65536, long.MaxValue - 7 })
            {
                TestRequest request = await device.DoAsync(TestRequest.Write(new Sectors(start), buffer));
                Assert.That((request.Error, request.FailedAt), Is.EqualTo((Errno.EINVAL, new Sectors(start))));
            }
        });
        Assert.That(new FileInfo(_path).Length, Is.EqualTo(s_length.Bytes));
    }

    [Test]
    public void A_file_that_has_become_shorter_fails_where_it_ends()
    {
        // A truncated leg is an error with the exact sector, not a read of nothing.
        TestRequest? request = null;
        OnDevice(async device =>
        {
            TruncateBehindItsBack(4096 * 4);
            request = await device.DoAsync(TestRequest.Read(new Sectors(16), new TestBuffer(4096 * 8)));
        });
        Assert.That((request!.Error, request.FailedAt), Is.EqualTo((Errno.EIO, new Sectors(32))));
    }

    [Test]
    public void A_leg_is_not_opened_twice()
    {
        // The second open is refused with a reason and a remedy, until the first is closed; read-only does not help.
        OnDevice(device =>
        {
            foreach (bool readOnly in new[] { false, true })
            {
                var refused = Assert.Throws<DeviceOpenException>(
                    () => FileDevice.Open(_loop.Loop, new FileDeviceOptions { Path = _path, ReadOnly = readOnly }));
                Assert.That(refused!.Errno, Is.EqualTo(Errno.EBUSY));
                Assert.That(refused.Message, Does.Contain(_path).And.Contain("in use"));
            }
            return ValueTask.CompletedTask;
        });
        OnDevice(_ => ValueTask.CompletedTask);
    }

    [Test]
    public void A_read_only_device_refuses_changes_and_cannot_discard()
    {
        // EPERM for whatever changes data; reads go on.
        _loop.Run(async () =>
        {
            await using FileDevice device = FileDevice.Open(
                _loop.Loop, new FileDeviceOptions { Path = _path, ReadOnly = true, Direct = where == "direct" });
            Assert.That((device.DiscardLimit, device.WriteZeroesLimit), Is.EqualTo((Sectors.Zero, Sectors.Zero)));
            await device.MustDoAsync(TestRequest.Read(Sectors.Zero, new TestBuffer(4096)));
            TestRequest write = await device.DoAsync(TestRequest.Write(Sectors.Zero, new TestBuffer(4096)));
            Assert.That(write.Error, Is.EqualTo(Errno.EPERM));
        });
    }

    private void OnDevice(Func<FileDevice, ValueTask> action) => _loop.Run(async () =>
    {
        await using FileDevice device = FileDevice.Open(
            _loop.Loop, new FileDeviceOptions { Path = _path, Direct = where == "direct" });
        Assert.That((device.Length, device.IsDirect, device.Name), Is.EqualTo((s_length, where == "direct", _path)));
        await action(device);
    });

    private void WriteEveryOther(int sectors)
    {
        using FileStream file = new(_path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        byte[] block = new byte[sectors * 512];
        Array.Fill(block, (byte)1);
        for (long at = 0; at < s_length.Bytes; at += 2 * block.Length)
            RandomAccess.Write(file.SafeFileHandle, block, at);
    }

    // The framework's own open asks for the lock that the device holds.
    private void TruncateBehindItsBack(long lengthBytes)
    {
        int fd = Libc.Open(_path, LinuxConstants.O_RDWR, 0);
        Assert.That(Libc.FTruncate(fd, lengthBytes), Is.Zero);
        Assert.That(Libc.Close(fd), Is.Zero);
    }

    private static async ValueTask<IEnumerable<ExtentKind>> KindsAsync(BlockDevice device, long start, long count) =>
        (await device.ReadExtentsAsync(new Sectors(start), new Sectors(count))).Select(extent => extent.Kind);

    private byte[] ReadFile(Sectors start, Sectors count)
    {
        byte[] bytes = new byte[count.Bytes];
        using FileStream file = File.Open(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Position = start.Bytes;
        file.ReadExactly(bytes);
        return bytes;
    }
}
