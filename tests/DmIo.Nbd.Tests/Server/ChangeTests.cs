using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>What is seen and changed while clients are served.</summary>
internal sealed class ChangeTests
{
    [Test]
    public void Connections_tell_what_they_chose_and_moved()
    {
        // Goal: an operator sees who is there, half-open clients included, and what each has done.
        using var server = new TestServer();
        using NbdProbe halfOpen = server.Connect();
        halfOpen.Greet();
        using NbdProbe probe = server.Go();
        Assert.That(probe.Write(0, new byte[4096]), Is.Zero);
        Assert.That(probe.Read(512, 1024), Has.Length.EqualTo(1024));
        Assert.That(probe.Call(NBD_CMD_FLUSH, 0, 0), Is.Zero);
        Assert.That(probe.Call(NBD_CMD_READ, TestServer.DefaultBytes, 512), Is.EqualTo(NBD_EINVAL));
        server.OnLoop(d => d.Holds = true);
        probe.Send(NbdProbe.Request(NBD_CMD_READ, 0, 512, 9));
        server.WaitForHeld(1);
        IReadOnlyList<NbdConnectionInfo> all = TestServer.Wait(server.Server.ReadConnectionsAsync());
        Assert.That(all.Select(c => c.Id), Is.EqualTo(new[] { 1, 2 }));
        Assert.That(all[0], Is.EqualTo(all[0] with { Export = null, Traffic = null }));
        Assert.That(all[1].Export!.Name, Is.EqualTo("vol0"));
        Assert.That(all[1].Peer, Does.StartWith("unix:pid="));
        Assert.That(all[1].Traffic, Is.EqualTo(new NbdTraffic(1, 4, 1, 1024, 4096)));
    }

    [Test]
    public void An_export_comes_while_clients_are_there_and_goes_with_its_own_clients_alone()
    {
        // Goal: what is in flight on the removed export finishes, new requests are refused, other exports do not notice.
        using var server = new TestServer();
        var extra = new NbdExport("extra", server.Export, false);
        using NbdProbe stays = server.Go();
        server.Server.AddExport(extra);
        using NbdProbe goes = server.Go("extra");
        using NbdProbe structured = server.Connect();
        structured.Greet();
        structured.AgreeOn(ReplyForm.Structured);
        structured.GoOn("extra");
        server.OnLoop(d => d.Holds = true);
        goes.Send([.. NbdProbe.Request(NBD_CMD_WRITE, 0, 512, 1), .. Bytes.Random(512, 1)]);
        structured.Send(NbdProbe.Request(NBD_CMD_READ, 512, 512, 2));
        server.WaitForHeld(2);
        Task<bool> removed = server.Server.RemoveExportAsync(extra, TimeSpan.FromSeconds(10));
        Assert.That(() => server.Server.Exports, Has.Length.EqualTo(1).After(5000, 2));
        server.LetFrontBeHeard();
        Assert.That(
            goes.Call(NBD_CMD_FLUSH, 0, 0), Is.EqualTo(NBD_ESHUTDOWN), "a new request during the removal");
        structured.Send(NbdProbe.Request(NBD_CMD_READ, 512, 512, 3));
        Assert.That(structured.ReadChunk().ReadError().Text, Does.Contain("the export is offered no longer"));
        Assert.That(removed.IsCompleted, Is.False);
        server.OnLoop(d => d.Holds = false);
        server.OnLoop(d => d.ReleaseAll());
        Assert.That(goes.Expect(1), Is.Zero);
        goes.ExpectClosed();
        Assert.That(TestServer.Wait(removed));
        Assert.That(server.Log.WaitFor(3011), Does.Contain("its export is offered no longer"));
        Assert.That(stays.Read(0, 512), Is.EqualTo(Bytes.Random(512, 1)));
        using NbdProbe late = server.Connect();
        late.Greet();
        Assert.That(late.Ask(NBD_OPT_GO, NbdProbe.Info("extra")).Single().Type, Is.EqualTo(NBD_REP_ERR_UNKNOWN));
    }

    [Test]
    public void A_removal_is_bounded_and_tells_when_a_device_hangs()
    {
        // Goal: a request that never comes back does not keep an operator waiting; it is not said to be gone.
        using var server = new TestServer(device: d => d.Holds = true);
        using NbdProbe probe = server.Go();
        probe.Send(NbdProbe.Request(NBD_CMD_READ, 0, 512, 1));
        server.WaitForHeld(1);
        NbdExport export = server.Server.Exports.Single();
        Assert.That(
            TestServer.Wait(server.Server.RemoveExportAsync(export, TimeSpan.FromMilliseconds(100))), Is.False);
        probe.ExpectClosed();
        Assert.That(server.Log.WaitFor(3021), Does.Contain("1 connections"));
        Assert.That(server.Server.DefaultExport, Is.Null);
    }

    [Test]
    public void The_default_falls_to_the_first_that_is_left()
    {
        // Goal: the empty name goes on to mean something when the default is removed.
        using var server = new TestServer();
        NbdExport first = server.Server.Exports.Single();
        var second = new NbdExport("second", server.Export, false);
        var third = new NbdExport("third", server.Export, false);
        server.Server.AddExport(second);
        server.Server.AddExport(third, isDefault: true);
        TestServer.Wait(server.Server.RemoveExportAsync(third, TimeSpan.Zero));
        Assert.That(server.Server.DefaultExport, Is.SameAs(first));
        TestServer.Wait(server.Server.RemoveExportAsync(first, TimeSpan.Zero));
        Assert.That(server.Server.DefaultExport, Is.SameAs(second));
        server.Server.AddExport(third, isDefault: true);
        Assert.That(server.Server.DefaultExport, Is.SameAs(third));
    }
}
