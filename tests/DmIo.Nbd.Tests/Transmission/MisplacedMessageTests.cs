using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>Messages of one phase in the other, and fields that mean nothing (checklist 2.9, 2.19).</summary>
internal sealed class MisplacedMessageTests
{
    [TestCase(NBD_OPT_GO)]
    [TestCase(NBD_OPT_LIST)]
    [TestCase(NBD_OPT_ABORT)]
    public void An_option_after_go_ends_the_connection(uint option)
    {
        // Goal: 2.19, a second GO: what has no request magic is no request.
        using var server = new TestServer();
        using NbdProbe probe = server.Go();
        // As long as a request's header, which is looked at when it is there.
        probe.Send(NbdProbe.Option(option, NbdProbe.Info("vol0", NBD_INFO_BLOCK_SIZE)));
        probe.ExpectClosed();
        server.WaitForConnections(0);
    }

    [Test]
    public void A_request_before_go_ends_the_connection()
    {
        // Goal: H4: nor is a request an option.
        using var server = new TestServer();
        using NbdProbe probe = server.Connect();
        probe.Greet();
        probe.Send(NbdProbe.Request(NBD_CMD_READ, 0, 512));
        probe.ExpectClosed();
        Assert.That(server.OnLoop(d => d.Log.Count), Is.Zero);
    }

    [TestCase(0ul, 1u, 0)]
    [TestCase(ulong.MaxValue, uint.MaxValue, 0)]
    [TestCase(1ul << 63, 1u << 26, 0xffff)]
    public void A_disc_is_one_whatever_its_fields_hold(ulong offset, uint length, int flags)
    {
        // Goal: 2.9: recorded sessions end with a DISC that has an offset; it is not answered, and what came before is done.
        using var server = new TestServer();
        using NbdProbe probe = server.Go();
        byte[] data = Bytes.Random(512, 1);
        probe.Send(
            [.. NbdProbe.Request(NBD_CMD_WRITE, 0, 512, 5), .. data,
                .. NbdProbe.Request(NBD_CMD_DISC, offset, length, 6, (ushort)flags)]);
        Assert.That(probe.Expect(5), Is.Zero);
        probe.ExpectClosed();
        Assert.That(server.Contents()[..512], Is.EqualTo(data));
    }

    [Test]
    public void The_old_way_of_choosing_is_refused_by_the_end_when_the_server_stops()
    {
        // Goal: H6, H14: EXPORT_NAME has no error reply.
        using var server = new TestServer(device: d => d.Holds = true);
        using NbdProbe busy = server.Go();
        using NbdProbe probe = server.Connect();
        probe.Greet();
        busy.Send([.. NbdProbe.Request(NBD_CMD_WRITE, 0, 512, 1), .. Bytes.Random(512, 1)]);
        server.WaitForHeld(1);
        Task stop = server.Server.StopAsync(TimeSpan.FromSeconds(10));
        server.Log.WaitFor(3002);
        probe.Send(NbdProbe.Option(NBD_OPT_EXPORT_NAME, "vol0"u8));
        probe.ExpectClosed();
        server.OnLoop(d => d.ReleaseAll());
        TestServer.Wait(stop);
    }
}
