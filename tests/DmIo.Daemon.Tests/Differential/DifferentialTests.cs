using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>The same questions, asked of this server and of those that Debian 12 has.</summary>
public sealed class DifferentialTests
{
    private const int FilledBytes = 1 << 20;

    // Goal: wherever this server answers otherwise than another one, it is known, written down, and there is a reason. A new
    // difference fails this test as one that is gone does: the tables say what is so.
    [TestCase(20261201)]
    public void Every_difference_to_other_servers_is_in_the_table(int seed)
    {
        TestContext.Out.WriteLine($"seed {seed}");
        Probe[] probes = [.. NegotiationProbes.All, .. TransmissionProbes.All, .. RequestSequence.All(seed)];
        var answers = probes.ToDictionary(p => p.Name, _ => new string[PeerServer.Names.Count]);
        var table = DifferenceTable.Read();
        for (int i = 0; i < PeerServer.Names.Count; i++)
        {
            using PeerServer server = PeerServer.Start(PeerServer.Names[i]);
            AskAll(
                server, probes, probe => table.Expects(probe.Name, i, "silence"),
                (probe, answer) => answers[probe.Name][i] = answer);
        }
        List<string> wrong = table.Compare([.. probes.Select(p => p.Name)], p => answers[p]);
        Assert.That(
            wrong, Is.Empty,
            $"{DifferenceTable.Path} was observed with nbdkit 1.32.5, qemu-nbd 7.2 and nbd-server 3.24; seed {seed}. What is "
                + $"otherwise, in the order {string.Join(", ", PeerServer.Names)}:\n{string.Join('\n', wrong)}\n");
    }

    // What the server holds at the end is what it was told to hold, on each leg.
    private static void AskAll(
        PeerServer server, Probe[] probes, Func<Probe, bool> mayBeSilent, Action<Probe, string> answered)
    {
        byte[] model = new byte[PeerServer.SizeBytes];
        Fill(server, model);
        foreach (Probe probe in probes)
        {
            string answer = probe.Ask(server, model, mayBeSilent(probe));
            if (!server.Answers())
            {
                answer += ", the server ends";
                server.Restart();
                if (server.Files.Length == 0)
                    Fill(server, model);
            }
            answered(probe, answer);
        }
        string whole = new Probe("all", c =>
        {
            c.Greet();
            c.GoOn();
            for (ulong at = 0; at < PeerServer.SizeBytes; at += FilledBytes)
            {
                if (c.Call(Wire.Read, 0, at, FilledBytes) != "ok")
                    c.Hear($"{at:x}");
            }
        }).Ask(server, model);
        Assert.That(whole, Is.Empty, $"{server.Name}: where it holds something else in the end");
        server.Stop();
        foreach (string file in server.Files)
            Assert.That(File.ReadAllBytes(file).AsSpan().SequenceEqual(model), $"{server.Name}: {file}");
    }

    private static void Fill(PeerServer server, byte[] model)
    {
        model.AsSpan().Clear();
        string filled = new Probe("fill", c =>
        {
            c.Greet();
            c.GoOn();
            c.Hear(c.Call(Wire.Write, 0, 0, FilledBytes, c.Payload(0, FilledBytes)));
        }).Ask(server, model);
        Assert.That(filled, Is.EqualTo("ok"), server.Name);
    }
}
