using DmIo.Testing;

namespace DmIo.Tests;

/// <summary>Block special files, by the kernel's loop driver over a sparse file.</summary>
[TestFixture("threads", 512, false)]
[TestFixture("threads", 4096, false)]
[TestFixture("threads", 4096, true)]
[TestFixture("io_uring", 512, true)]
[TestFixture("io_uring", 4096, true)]
internal sealed class LoopDeviceTests(string loopKind, int blockBytes, bool direct)
{
    private static readonly Sectors s_length = new(32768);

    private LoopUnderTest _loop = null!;
    private TestDirectory _directory = null!;
    private string _file = null!;
    private string _disk = null!;

    [SetUp]
    public void SetUp()
    {
        _disk = "";
        _loop = new LoopUnderTest(loopKind);
        _directory = TestDirectory.OnDisk();
        _file = _directory.Sparse("disk", s_length);
        _disk = HostTool.Run("losetup", "--find", "--show", "--sector-size", $"{blockBytes}", _file);
    }

    [TearDown]
    public void TearDown()
    {
        _loop.Dispose();
        if (_disk.Length > 0)
            HostTool.Run("losetup", "--detach", _disk);
        _directory.Dispose();
    }

    [Test]
    public void Size_and_block_size_are_the_disks()
    {
        // Both come from the disk itself: a block special file's own size is zero.
        OnDevice(device =>
        {
            Assert.That((device.Length, device.LogicalBlockBytes), Is.EqualTo((s_length, blockBytes)));
            Assert.That(device.Identity.IsBlockSpecial, Is.True);
            Assert.That(device.Identity.MajorMinor, Does.StartWith("7:"));
            return ValueTask.CompletedTask;
        });
    }

    [Test]
    public void What_is_written_and_flushed_reaches_the_file_below()
    {
        // Through the page cache or past it, after a flush the bytes are in the file behind the disk.
        TestBuffer buffer = TestBuffer.Random(new Sectors(4096), 1);
        OnDevice(async device =>
        {
            await device.MustDoAsync(TestRequest.Write(new Sectors(8), buffer));
            await device.MustDoAsync(TestRequest.Flush());
            var read = new TestBuffer(buffer.Span.Length);
            await device.MustDoAsync(TestRequest.Read(new Sectors(8), read));
            Assert.That(read.Span.SequenceEqual(buffer.Span), Is.True);
        });
        byte[] below = File.ReadAllBytes(_file);
        Assert.That(below.AsSpan((int)new Sectors(8).Bytes, buffer.Span.Length).SequenceEqual(buffer.Span), Is.True);
    }

    [Test]
    public void Requests_off_the_block_size_are_refused()
    {
        // A disk of 4096-byte blocks does not take 512 bytes; the device says so before the kernel does.
        OnDevice(async device =>
        {
            TestRequest request = await device.DoAsync(TestRequest.Write(new Sectors(1), new TestBuffer(512)));
            Assert.That(request.Error, Is.EqualTo(blockBytes == 512 ? Errno.None : Errno.EINVAL));
        });
    }

    [Test]
    public void Discard_reaches_the_file_below_and_zeroes_read_as_zeroes()
    {
        // The loop driver turns both into holes, so the file shrinks on its disk.
        TestBuffer buffer = TestBuffer.Random(new Sectors(16384), 2);
        OnDevice(async device =>
        {
            Assert.That(device.DiscardLimit, Is.GreaterThan(Sectors.Zero));
            await device.MustDoAsync(TestRequest.Write(Sectors.Zero, buffer, BlockFlags.Fua));
            await device.MustDoAsync(TestRequest.Discard(Sectors.Zero, new Sectors(8192)));
            await device.MustDoAsync(TestRequest.WriteZeroes(new Sectors(8192), new Sectors(4096), BlockFlags.NoUnmap));
            await device.MustDoAsync(TestRequest.Flush());
            var read = new TestBuffer(buffer.Span.Length);
            await device.MustDoAsync(TestRequest.Read(Sectors.Zero, read));
            int kept = (int)new Sectors(12288).Bytes;
            Assert.That(read.Span[..kept].ContainsAnyExcept((byte)0), Is.False);
            Assert.That(read.Span[kept..].SequenceEqual(buffer.Span[kept..]), Is.True);
        });
        string blocks = HostTool.Run("stat", "--format=%b", _file);
        Assert.That(long.Parse(blocks), Is.LessThan(16384 - 8192 + 64));
    }

    [Test]
    public void Zeroes_that_may_be_unmapped_free_space_below()
    {
        // A mirror's discard is done by such zeroes: on a disk they must not be written out.
        TestBuffer buffer = TestBuffer.Random(new Sectors(16384), 3);
        OnDevice(async device =>
        {
            await device.MustDoAsync(TestRequest.Write(Sectors.Zero, buffer, BlockFlags.Fua));
            await device.MustDoAsync(TestRequest.WriteZeroes(Sectors.Zero, new Sectors(8192)));
            await device.MustDoAsync(TestRequest.Flush());
            var read = new TestBuffer((int)new Sectors(8192).Bytes);
            await device.MustDoAsync(TestRequest.Read(Sectors.Zero, read));
            Assert.That(read.Span.ContainsAnyExcept((byte)0), Is.False);
        });
        string blocks = HostTool.Run("stat", "--format=%b", _file);
        Assert.That(long.Parse(blocks), Is.LessThan(16384 - 8192 + 64));
    }

    [Test]
    public void A_disk_is_not_opened_twice()
    {
        // The kernel's own claim on the disk refuses the second.
        OnDevice(_ =>
        {
            var refused = Assert.Throws<DeviceOpenException>(
                () => FileDevice.Open(_loop.Loop, new FileDeviceOptions { Path = _disk }));
            Assert.That(refused!.Errno, Is.EqualTo(Errno.EBUSY));
            return ValueTask.CompletedTask;
        });
        OnDevice(_ => ValueTask.CompletedTask);
    }

    private void OnDevice(Func<FileDevice, ValueTask> action) => _loop.Run(async () =>
    {
        await using FileDevice device = FileDevice.Open(
            _loop.Loop, new FileDeviceOptions { Path = _disk, Direct = direct });
        await action(device);
    });
}
