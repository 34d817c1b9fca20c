using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>What is not advertised is not served (checklist 2.7).</summary>
internal sealed class CapabilityTests
{
    [TestCase(true, false)]
    [TestCase(false, true)]
    public void A_read_only_export_refuses_changes_and_keeps_its_bytes(bool exportIs, bool deviceIs)
    {
        // Goal: 2.7, 2.9: READ_ONLY is enforced, not only advertised; the payload of what is refused is consumed.
        using var server = new TestServer(readOnly: exportIs, device: d => d.ReadOnly = deviceIs);
        using NbdProbe probe = server.Go();
        Assert.That(
            probe.Export.Flags,
            Is.EqualTo(NBD_FLAG_HAS_FLAGS | NBD_FLAG_READ_ONLY | NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_FUA
                | NBD_FLAG_CAN_MULTI_CONN | NBD_FLAG_SEND_CACHE));
        Assert.That(probe.Write(0, Bytes.Random(8192, 1)), Is.EqualTo(NBD_EPERM));
        Assert.That(probe.Write(0, []), Is.EqualTo(NBD_EPERM));
        Assert.That(probe.Call(NBD_CMD_TRIM, 0, 4096), Is.EqualTo(NBD_EPERM));
        Assert.That(probe.Call(NBD_CMD_WRITE_ZEROES, 0, 4096), Is.EqualTo(NBD_EPERM));
        Assert.That(probe.Call(NBD_CMD_FLUSH, 0, 0), Is.Zero);
        Assert.That(probe.Read(0, 8192), Is.All.Zero);
        Assert.That(server.OnLoop(d => d.Log.All(c => c.Operation is BlockOperation.Read or BlockOperation.Flush)));
    }

    [Test]
    public void A_device_that_cannot_discard_is_offered_without_trim()
    {
        // Goal: advertised because it is true; a TRIM all the same is EINVAL.
        using var server = new TestServer(device: d => d.DiscardCapability = Sectors.Zero);
        using NbdProbe probe = server.Go();
        Assert.That(probe.Export.Flags & NBD_FLAG_SEND_TRIM, Is.Zero);
        Assert.That(probe.Call(NBD_CMD_TRIM, 0, 4096), Is.EqualTo(NBD_EINVAL));
    }

    [Test]
    public void A_device_that_cannot_write_zeroes_is_written_zeroes()
    {
        // Goal: WRITE_ZEROES spares the client's line whatever the device can do.
        using var server = new TestServer(sizeBytes: 8 << 20, device: d => d.WriteZeroesCapability = Sectors.Zero);
        using NbdProbe probe = server.Go();
        Assert.That(probe.Export.Flags & NBD_FLAG_SEND_WRITE_ZEROES, Is.Not.Zero);
        byte[] data = Bytes.Random(6 << 20, 5);
        Assert.That(probe.Write(0, data), Is.Zero);
        Assert.That(probe.Call(NBD_CMD_WRITE_ZEROES, 100, 5 << 20, NBD_CMD_FLAG_FUA), Is.Zero);
        data.AsSpan(100, 5 << 20).Clear();
        Assert.That(server.Contents().AsSpan(0, data.Length).SequenceEqual(data));
        Assert.That(server.OnLoop(d => d.Log[^1].Operation), Is.EqualTo(BlockOperation.Flush), "durable");
    }

    [Test]
    public void A_device_that_finds_that_it_cannot_write_zeroes_is_written_zeroes()
    {
        // Goal: a capability that turns out to be none (a leg's file system) costs the client nothing.
        using var server = new TestServer(
            device: d => d.FailAll(Errno.EOPNOTSUPP, BlockOperation.WriteZeroes));
        using NbdProbe probe = server.Go();
        Assert.That(probe.Write(0, Bytes.Random(65536, 5)), Is.Zero);
        Assert.That(probe.Call(NBD_CMD_WRITE_ZEROES, 0, 65536, NBD_CMD_FLAG_FUA), Is.Zero);
        Assert.That(server.Contents(), Is.All.Zero);
        Assert.That(server.OnLoop(d => (d.Log[^1].Operation, d.Log[^1].Flags)), Is.AnyOf(
            (BlockOperation.Write, BlockFlags.Fua), (BlockOperation.Flush, BlockFlags.None)), "durable");
    }
}
