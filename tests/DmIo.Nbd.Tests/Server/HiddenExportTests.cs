using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>Exports that are in no list.</summary>
internal sealed class HiddenExportTests
{
    [Test]
    public void It_is_served_by_its_name_and_in_no_list()
    {
        // Goal: LIST leaves it out; INFO, contexts and GO by its name do as with others.
        using var server = new TestServer();
        server.Server.AddExport(new NbdExport("cellar", server.Export, false, "down there") { IsHidden = true });
        using NbdProbe probe = server.Connect();
        probe.Greet();
        Assert.That(Names(probe), Is.EqualTo(new[] { "vol0" }));
        List<OptionReply> infos = probe.Ask(NBD_OPT_INFO, NbdProbe.Info("cellar", NBD_INFO_DESCRIPTION));
        Assert.That(infos.Single(r => r.InfoType == NBD_INFO_DESCRIPTION).Text, Is.EqualTo("down there"));
        probe.GoOn("cellar");
        Assert.That(probe.Read(0, 512), Is.All.Zero);
    }

    [Test]
    public void It_is_the_default_only_if_somebody_says_so()
    {
        // Goal: who asks for nothing does not get what is hidden by the accident of being first.
        using var server = new TestServer();
        server.Server.AddExport(new NbdExport("cellar", server.Export, false) { IsHidden = true });
        Assert.That(TestServer.Wait(server.Server.RemoveExportAsync(server.Server.Exports[0], TimeSpan.FromSeconds(5))));
        Assert.That(server.Server.DefaultExport, Is.Null);
        using NbdProbe probe = server.Connect();
        probe.Greet();
        Assert.That(probe.Ask(NBD_OPT_INFO, NbdProbe.Info("")).Single().Type, Is.EqualTo(NBD_REP_ERR_UNKNOWN));
        server.Server.ChooseDefault(server.Server.Exports[0]);
        Assert.That(probe.Ask(NBD_OPT_INFO, NbdProbe.Info(""))[^1].Type, Is.EqualTo(NBD_REP_ACK));
        server.Server.ChooseDefault(null);
        server.Server.Exports[0].IsHidden = false;
        server.Server.OrderExports([]);
        Assert.That(server.Server.DefaultExport!.Name, Is.EqualTo("cellar"));
    }

    [Test]
    public void Descriptions_and_order_change_for_those_who_ask_next()
    {
        // Goal: LIST and INFO agree, and no client is let go for it.
        using var server = new TestServer();
        var second = new NbdExport("second", server.Export, false);
        server.Server.AddExport(second);
        using NbdProbe stays = server.Go();
        second.Description = "new";
        server.Server.OrderExports([second]);
        using NbdProbe probe = server.Connect();
        probe.Greet();
        Assert.That(Names(probe), Is.EqualTo(new[] { "second", "vol0" }));
        Assert.That(probe.Ask(NBD_OPT_LIST)[0].ReadServer(), Is.EqualTo(("second", "new")));
        Assert.That(
            probe.Ask(NBD_OPT_INFO, NbdProbe.Info("", NBD_INFO_DESCRIPTION))
                .Single(r => r.InfoType == NBD_INFO_DESCRIPTION).Text,
            Is.EqualTo("new"), "the first is the default");
        Assert.That(stays.Read(0, 512), Is.All.Zero);
    }

    private static string[] Names(NbdProbe probe) =>
    [
        .. probe.Ask(NBD_OPT_LIST).Where(r => r.Type == NBD_REP_SERVER).Select(r => r.ReadServer().Name),
    ];
}
