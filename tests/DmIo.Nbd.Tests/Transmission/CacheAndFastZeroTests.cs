using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>CACHE, and zeroes that must be fast (checklist 2.8, 2.9).</summary>
internal sealed class CacheAndFastZeroTests
{
    [TestCase(0, 4096)]
    [TestCase(3, 5)]
    [TestCase(100, 3 << 20)]
    [TestCase(0, 8 << 20)]
    public void A_cached_range_is_read_once_and_nothing_changes(int offset, int length)
    {
        // Goal: the device is asked for the whole range in pieces; that is all that a server can honestly do.
        using var server = new TestServer(sizeBytes: 8 << 20);
        using NbdProbe probe = server.Go();
        Assert.That(probe.Export.Flags & NBD_FLAG_SEND_CACHE, Is.Not.Zero);
        byte[] data = Bytes.Random(8 << 20, 1);
        server.OnLoop(d => data.CopyTo(d.Contents()));
        Assert.That(probe.Call(NBD_CMD_CACHE, (ulong)offset, (uint)length), Is.Zero);
        Assert.That(server.OnLoop(d => d.Log.All(c => c.Operation == BlockOperation.Read)));
        Assert.That(server.OnLoop(d => d.Log[0].Start.Bytes), Is.EqualTo(offset & ~511));
        Assert.That(server.OnLoop(d => d.Log.Max(c => (c.Start + c.Count).Bytes)), Is.EqualTo((offset + length + 511) & ~511));
        Assert.That(server.OnLoop(d => d.Log.Sum(c => c.Count.Bytes)), Is.LessThan(length + (256 << 10) + 1024));
        Assert.That(server.Contents().AsSpan().SequenceEqual(data));
    }

    [Test]
    public void A_half_closed_client_that_others_overtake_has_cached_what_it_has()
    {
        // Goal: ESHUTDOWN is for changes alone; a hint that is cut short between two pieces was followed.
        using var server = new TestServer(device: d => d.Holds = true);
        using NbdProbe half = server.Go();
        using NbdProbe other = server.Go();
        half.Send(NbdProbe.Request(NBD_CMD_CACHE, 0, 1 << 20, 1));
        server.WaitForHeld(1);
        half.FinishSending();
        Assert.That(
            () =>
            {
                other.Send(NbdProbe.Request(NBD_CMD_FLUSH, 0, 0));
                return server.Log.Of(3017).Any();
            },
            Is.True.After(5000, 20));
        server.OnLoop(d =>
        {
            d.Holds = false;
            d.ReleaseAll();
        });
        Assert.That(half.Expect(1), Is.Zero);
    }

    [Test]
    public void What_cannot_be_read_cannot_be_cached()
    {
        // Goal: the device's error is told, the connection goes on.
        using var server = new TestServer(device: d => d.Fail(new Sectors(8), new Sectors(1)));
        using NbdProbe probe = server.Go();
        Assert.That(probe.Call(NBD_CMD_CACHE, 0, 8192), Is.EqualTo(NBD_EIO));
        Assert.That(probe.Call(NBD_CMD_CACHE, 0, 4096), Is.Zero);
    }

    [TestCase(true, 0, 0u)]
    [TestCase(true, NBD_CMD_FLAG_FUA, 0u)]
    [TestCase(true, NBD_CMD_FLAG_NO_HOLE, NBD_ENOTSUP)]
    [TestCase(false, 0, NBD_ENOTSUP)]
    public void Fast_zeroes_are_done_where_the_device_makes_holes_and_else_nothing_is(bool isFast, int flags, uint error)
    {
        // Goal: FAST_ZERO fails at once with ENOTSUP and alters nothing, or it is done.
        using var server = new TestServer(device: d => d.ZeroesFast = isFast);
        using NbdProbe probe = server.Go();
        byte[] data = Bytes.Random(65536, 2);
        Assert.That(probe.Write(0, data), Is.Zero);
        server.OnLoop(d => d.ClearLog());
        flags |= NBD_CMD_FLAG_FAST_ZERO;
        Assert.That(probe.Call(NBD_CMD_WRITE_ZEROES, 100, 50_000, (ushort)flags), Is.EqualTo(error));
        if (error == 0)
            data.AsSpan(100, 50_000).Clear();
        else
            Assert.That(server.OnLoop(d => d.Log.Count), Is.Zero);
        Assert.That(probe.Read(0, data.Length).AsSpan().SequenceEqual(data));
    }
}
