using DmIo.Testing;

namespace DmIo.Tests;

/// <summary>What cannot be opened, and what runs full.</summary>
internal sealed class FileDeviceFailureTests
{
    [TestCase("manual", false)]
    [TestCase("threads", false)]
    [TestCase("io_uring", false)]
    [TestCase("threads", true)]
    public void A_full_file_system_fails_at_the_exact_sector(string kind, bool viaZeroes)
    {
        // ENOSPC comes with the first sector that found no room, and what fitted before it is there.
        using var loop = new LoopUnderTest(kind);
        using TestDirectory tiny = TestDirectory.Tiny(64);
        string path = tiny.Sparse("leg", new Sectors(2048));
        TestBuffer buffer = TestBuffer.Random(new Sectors(512), 1);
        loop.Run(async () =>
        {
            await using FileDevice device = FileDevice.Open(loop.Loop, new FileDeviceOptions { Path = path });
            TestRequest request = await device.DoAsync(viaZeroes
                ? TestRequest.WriteZeroes(new Sectors(256), new Sectors(512), BlockFlags.NoUnmap)
                : TestRequest.Write(new Sectors(256), buffer));
            Assert.That((request.Error, request.FailedAt), Is.EqualTo((Errno.ENOSPC, new Sectors(256 + 128))));
            var read = new TestBuffer(128 * 512);
            await device.MustDoAsync(TestRequest.Read(new Sectors(256), read));
            Assert.That(viaZeroes || read.Span.SequenceEqual(buffer.Span[..(128 * 512)]), Is.True);
        });
    }

    [Test]
    public void Through_dm_io_a_full_leg_is_its_bit_with_sector_and_errno()
    {
        // One buffer to two legs, one of them on a full file system: bit 1, ENOSPC, the sector; leg 0 has it all.
        using var loop = new LoopUnderTest("threads");
        using TestDirectory tiny = TestDirectory.Tiny(64);
        using TestDirectory disk = TestDirectory.OnDisk();
        string[] paths = [disk.Sparse("a", new Sectors(2048)), tiny.Sparse("b", new Sectors(2048))];
        byte[] data = new byte[1 << 20];
        new Random(2).NextBytes(data);
        loop.Run(async () =>
        {
            await using FileDevice a = FileDevice.Open(loop.Loop, new FileDeviceOptions { Path = paths[0] });
            await using FileDevice b = FileDevice.Open(loop.Loop, new FileDeviceOptions { Path = paths[1] });
            await using var client = new IoClient(loop.Loop);
            IoResult result = await client.WriteAsync(
                [new(a, Sectors.Zero, new Sectors(2048)), new(b, Sectors.Zero, new Sectors(2048))], data);
            Assert.That(result.Outcome.ErrorBits, Is.EqualTo(0b10));
            Assert.That(
                result.Outcome[1], Is.EqualTo(new RegionFailure(BlockOperation.Write, new Sectors(128), Errno.ENOSPC)));
        });
        Assert.That(File.ReadAllBytes(paths[0]).AsSpan().SequenceEqual(data), Is.True);
    }

    [Test]
    public void What_cannot_be_opened_says_why_and_what_to_do()
    {
        // Path, errno by name and a remedy in one sentence; nothing is created.
        using TestDirectory memory = TestDirectory.InMemory();
        var loop = new ManualLoop();
        MustFail("missing", Errno.ENOENT, "create");
        Directory.CreateDirectory(memory.File("directory"));
        MustFail("directory", Errno.EINVAL, "neither a regular file nor a block device");
        HostTool.Run("mkfifo", memory.File("fifo"));
        MustFail("fifo", Errno.EINVAL, "neither a regular file nor a block device");
        Assert.That(File.Exists(memory.File("missing")), Is.False);

        void MustFail(string name, Errno errno, string says)
        {
            var failure = Assert.Throws<DeviceOpenException>(
                () => FileDevice.Open(loop, new FileDeviceOptions { Path = memory.File(name), ReadOnly = true }));
            Assert.That(failure!.Message, Does.StartWith(memory.File(name)).And.Contain(says));
            Assert.That(failure.Errno, Is.EqualTo(errno));
        }
    }

    [Test]
    public void A_size_that_is_no_whole_number_of_sectors_is_rounded_down()
    {
        // The last part of a sector is not part of the device.
        using TestDirectory memory = TestDirectory.InMemory();
        File.WriteAllBytes(memory.File("odd"), new byte[512 * 3 + 100]);
        var loop = new ManualLoop();
        FileDevice device = FileDevice.Open(loop, new FileDeviceOptions { Path = memory.File("odd") });
        Assert.That(device.Length, Is.EqualTo(new Sectors(3)));
        loop.Run(device.DisposeAsync);
    }

    [Test]
    public void Inline_writes_are_done_on_the_loop_and_others_on_a_lane()
    {
        // Only what cannot keep anyone else waiting runs on the loop's own thread.
        using TestDirectory disk = TestDirectory.OnDisk();
        var loop = new ManualLoop { HoldLanes = true };
        foreach (bool inline in new[] { true, false })
        {
            FileDevice device = FileDevice.Open(
                loop, new FileDeviceOptions { Path = disk.Sparse("leg", new Sectors(64)), InlineWrites = inline });
            TestRequest write = TestRequest.Write(Sectors.Zero, TestBuffer.Random(new Sectors(8), 1));
            device.Submit(write);
            loop.RunUntilIdle();
            Assert.That(write.IsCompleted, Is.EqualTo(inline));
            foreach (ManualLane lane in loop.Lanes)
                lane.Held = false;
            loop.RunUntilIdle();
            Assert.That(write.Completions, Is.EqualTo(1));
            loop.Run(device.DisposeAsync);
        }
    }
}
