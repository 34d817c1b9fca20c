using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>Exports by name, the default, and what of a name reaches the log.</summary>
internal sealed class ExportTests
{
    [Test]
    public void The_default_is_the_first_unless_another_says_that_it_is()
    {
        // Goal: the empty name selects the default.
        using var server = new TestServer();
        server.Server.AddExport(new NbdExport("second", server.Export, false));
        Assert.That(DefaultOf(server), Is.EqualTo("vol0"));
        server.Server.AddExport(new NbdExport("third", server.Export, false), isDefault: true);
        Assert.That(DefaultOf(server), Is.EqualTo("third"));
        Assert.That(
            () => server.Server.AddExport(new NbdExport("fourth", server.Export, false), isDefault: true),
            Throws.ArgumentException);
        Assert.That(
            () => server.Server.AddExport(new NbdExport("vol0", server.Export, false)), Throws.ArgumentException);
    }

    [TestCase(4096, true)]
    [TestCase(4097, false)]
    public void Names_are_at_most_4096_bytes(int length, bool isAllowed)
    {
        // Goal: 2., strings.
        using var server = new TestServer();
        void Make() => _ = new NbdExport(new string('x', length), server.Export, false);
        Assert.That(Make, isAllowed ? Throws.Nothing : Throws.ArgumentException);
    }

    [Test]
    public void Names_and_descriptions_without_utf8_form_or_with_nul_are_refused()
    {
        // Goal: 2., strings are UTF-8 without NUL.
        using var server = new TestServer();
        foreach (string text in new[] { "a\0b", "\ud800" })
        {
            Assert.That(() => new NbdExport(text, server.Export, false), Throws.ArgumentException);
            Assert.That(() => new NbdExport("n", server.Export, false, text), Throws.ArgumentException);
        }
    }

    [Test]
    public void A_description_that_changes_while_it_is_told_is_told_whole()
    {
        // Goal: a reload changes it at any time, on another thread: clients are told the one or the other, never a mixture,
        // and no handshake breaks.
        using var server = new TestServer(new NbdLimits { MaxOptions = 2000, HandshakeTimeout = TimeSpan.FromMinutes(1) });
        using NbdProbe probe = server.Connect();
        probe.Greet();
        NbdExport export = server.Server.Exports.Single();
        string[] descriptions = ["the first", new('x', 4000)];
        using var done = new CancellationTokenSource();
        Task changing = Task.Run(() =>
        {
            for (int i = 0; !done.IsCancellationRequested; i++)
                export.Description = descriptions[i % 2];
        });
        try
        {
            for (int i = 0; i < 500; i++)
            {
                Assert.That(descriptions, Does.Contain(probe.Ask(NBD_OPT_LIST)[0].ReadServer().Description));
                Assert.That(
                    descriptions, Does.Contain(probe.Ask(NBD_OPT_INFO, NbdProbe.Info("vol0", NBD_INFO_DESCRIPTION))
                        .Single(r => r.InfoType == NBD_INFO_DESCRIPTION).Text));
            }
        }
        finally
        {
            done.Cancel();
            TestServer.Wait(changing);
        }
    }

    [Test]
    public void Control_characters_of_clients_never_reach_the_log()
    {
        // Goal: 2.19 (nbdkit 1.40): names that end a line, ring a bell or colour a terminal are written out.
        using var server = new TestServer();
        using NbdProbe probe = server.Connect();
        probe.Greet();
        probe.Ask(NBD_OPT_GO, NbdProbe.Info("evil\n\u001b[31m\u0007\u2028\u202e\"" + new string('y', 1000)));
        string line = server.Log.WaitFor(3016);
        Assert.That(line, Does.Contain("evil\\u000a\\u001b[31m\\u0007\\u2028\\u202e\\\""));
        Assert.That(line.Any(char.IsControl), Is.False);
        Assert.That(line, Has.Length.LessThan(400));
    }

    [Test]
    public void The_first_reason_of_a_connections_end_is_logged_once()
    {
        // Goal: one line per connection, with export, peer and cause.
        using var server = new TestServer();
        using NbdProbe probe = server.Go();
        probe.Call(NBD_CMD_FLUSH, 0, 0);
        probe.Send(new byte[100]);
        probe.ExpectClosed();
        server.WaitForConnections(0);
        string line = server.Log.WaitFor(3012);
        Assert.That(line, Does.StartWith("unix:pid=").And.Contain("\"vol0\"").And.Contain("request magic"));
        Assert.That(server.Log.Lines.Count(l => l.Id is 3011 or 3012), Is.EqualTo(1));
    }

    private static string DefaultOf(TestServer server)
    {
        using NbdProbe probe = server.Connect();
        probe.Greet();
        return probe.Ask(NBD_OPT_INFO, NbdProbe.Info("", NBD_INFO_NAME)).Single(r => r.InfoType == NBD_INFO_NAME).Text;
    }
}
