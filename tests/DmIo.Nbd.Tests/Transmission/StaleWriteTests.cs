using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>
/// What a client left behind on one connection against what is asked on another (rule 5): a request whose connection is
/// seen dead before it was started never starts, one that was started ends before a newer overlapping one.
/// </summary>
internal sealed class StaleWriteTests
{
    private const int Ranges = 8;
    private const int RangeBytes = 4096;

    // What the server takes of one connection by default.
    private const int InFlight = 256;

    private const int WriteBytes = 28 + RangeBytes;

    // More than any socket's buffers take.
    private const int Many = 16_384;

    private static readonly byte[] s_new = Bytes.Random(Ranges * RangeBytes, 2);

    [TestCase(false, Ending.Closed)]
    [TestCase(false, Ending.ShutDown)]
    [TestCase(false, Ending.HalfClosed)]
    [TestCase(true, Ending.Closed)]
    [TestCase(true, Ending.ShutDown)]
    [TestCase(true, Ending.Reset)]
    [TestCase(true, Ending.HalfClosed)]
    public void What_had_not_started_when_its_connection_ended_never_starts(bool overTcp, Ending ending)
    {
        // Goal: behind a slow device more comes than the server takes; the client goes and sends again elsewhere.
        using var server = new TestServer(overTcp: overTcp, device: d => d.Holds = true);
        using NbdProbe old = server.Go();
        using NbdProbe other = server.Go();
        // What it does not take lies in the receive chunk, and behind a reset in the socket: the end can be seen.
        byte[] writes = OldWrites(ending == Ending.Reset ? Many : InFlight + 40);
        Assert.That(old.SendUntilFull(writes), Is.GreaterThan((InFlight + 30) * RangeBytes));
        server.WaitForTurns(InFlight);
        old.End(ending);
        for (int range = 0; range < Ranges; range++)
            other.Send([.. Write(range, (ulong)range), .. New(range)]);
        server.WaitForTurns(InFlight + Ranges);
        Assert.That(server.OnLoop(d => d.Log.Count), Is.EqualTo(Ranges), "only the oldest of each range has started");
        for (int range = 0; range < Ranges; range++)
        {
            // The newer write of a range follows the one that was started, and waits for it alone.
            server.OnLoop(d => d.ReleaseFirst());
            Assert.That(() => server.OnLoop(d => d.Log.Count), Is.EqualTo(Ranges + range + 1).After(5000, 2));
        }
        server.OnLoop(d => d.Holds = false);
        server.OnLoop(d => d.ReleaseAll());
        ExpectNew(server, other);
        old.Dispose();
        server.WaitForConnections(1);
        Assert.That(server.OnLoop(d => d.Log.Count), Is.EqualTo(2 * Ranges));
    }

    [TestCase(false, Ending.Closed)]
    [TestCase(false, Ending.ShutDown)]
    [TestCase(true, Ending.Closed)]
    [TestCase(true, Ending.ShutDown)]
    public void What_is_unread_of_a_dead_connection_never_follows_what_was_sent_again(bool overTcp, Ending ending)
    {
        // Goal: over TCP no end arrives through a full receive buffer; it is found out before more is started.
        using var server = new TestServer(overTcp: overTcp, device: d => d.Holds = true);
        using NbdProbe old = server.Go();
        using NbdProbe other = server.Go();
        Assert.That(old.SendUntilFull(OldWrites(Many)), Is.LessThan(Many * RangeBytes));
        server.WaitForTurns(InFlight);
        old.End(ending);
        for (int range = 0; range < Ranges; range++)
            other.Send([.. Write(range, (ulong)range), .. New(range)]);
        server.WaitForTurns(InFlight + Ranges);
        // The first reply finds the client gone. Nothing is taken up in its place, to stand behind the new writes until
        // the reset has come; the next of its range has been started by then, where no end was seen before.
        server.OnLoop(d => d.ReleaseFirst());
        server.WaitForHeld(Ranges);
        Assert.That(other.Call(NBD_CMD_READ, ulong.MaxValue, 1), Is.EqualTo(NBD_EINVAL), "a round trip later");
        int left = overTcp ? InFlight - 1 : InFlight / Ranges * (Ranges - 1);
        server.WaitForTurns(left + Ranges);
        server.OnLoop(d => d.Holds = false);
        server.OnLoop(d => d.ReleaseAll());
        ExpectNew(server, other);
        server.WaitForConnections(1);
        Assert.That(server.Contents()[..s_new.Length], Is.EqualTo(s_new));
        Assert.That(server.OnLoop(d => d.Log.Count), Is.LessThanOrEqualTo(InFlight + Ranges));
    }

    [Test]
    public void A_client_that_was_held_up_for_long_goes_on([Values] bool overTcp)
    {
        // Goal: a silent time costs a client that is still there nothing but an acknowledgement.
        using var server = new TestServer(overTcp: overTcp, device: d => d.Holds = true);
        using NbdProbe probe = server.Go();
        int sent = probe.SendUntilFull(OldWrites(Many)) / WriteBytes;
        server.WaitForTurns(InFlight);
        server.OnLoop(d => d.Holds = false);
        server.OnLoop(d => d.ReleaseAll());
        for (int i = 0; i < sent; i++)
            Assert.That(probe.ReadReply().Error, Is.Zero);
    }

    [Test]
    public void A_half_closed_client_is_served_to_the_end_while_nobody_else_asks(
        [Values] bool overTcp, [Values] bool disconnects)
    {
        // Goal: who pipelines, closes its sending side and waits gets every reply, however much is still unread.
        const int Count = 400;
        var limits = new NbdLimits { MaxRequestsInFlight = 4 };
        using var server = new TestServer(limits, overTcp: overTcp, device: d => d.Holds = true);
        using NbdProbe idle = server.Go();
        using NbdProbe probe = server.Go();
        probe.Send(OldWrites(40));
        server.WaitForHeld(4);
        probe.Send(Requests(NBD_CMD_WRITE_ZEROES, Count));
        if (disconnects)
            probe.Disconnect();
        probe.FinishSending();
        // Connecting is not asking.
        using NbdProbe late = server.Go();
        server.OnLoop(d => d.Holds = false);
        server.OnLoop(d => d.ReleaseAll());
        for (int i = 0; i < 40 + Count; i++)
            Assert.That(probe.ReadReply().Error, Is.Zero);
        probe.ExpectClosed();
        server.WaitForConnections(2);
        Assert.That(server.Log.Of(3017), Is.Empty);
    }

    [Test]
    public void A_half_closed_client_hears_what_was_never_started([Values] bool overTcp)
    {
        // Goal: no silent loss: who waits for replies is told ESHUTDOWN for what others have overtaken.
        const int Count = 300;
        using var server = new TestServer(overTcp: overTcp, device: d => d.Holds = true);
        using NbdProbe half = server.Go();
        using NbdProbe other = server.Go();
        half.Send(Requests(NBD_CMD_TRIM, Count));
        half.Send(NbdProbe.Request(NBD_CMD_READ, 0, 512, 1000));
        half.FinishSending();
        server.WaitForTurns(InFlight);
        // A reader must not see what is then changed behind its back either.
        other.Send(NbdProbe.Request(NBD_CMD_READ, 0, 512, 1));
        server.WaitForHeld(Ranges + 1);
        server.OnLoop(d => d.Holds = false);
        server.OnLoop(d => d.ReleaseAll());
        Assert.That(other.Expect(1), Is.Zero);
        other.Receive(512);
        var errors = new List<uint>();
        for (int i = 0; i <= Count; i++)
        {
            (uint error, ulong cookie) = half.ReadReply();
            if (cookie < Count)
                errors.Add(error);
            else
                Assert.That(error == 0 && half.Receive(512).Length == 512, "reads do no harm");
        }
        half.ExpectClosed();
        Assert.That(errors.Count(e => e == 0), Is.EqualTo(Ranges));
        Assert.That(errors.Count(e => e == NBD_ESHUTDOWN), Is.EqualTo(Count - Ranges));
        Assert.That(server.OnLoop(d => d.Log.Count(c => c.Operation == BlockOperation.Discard)), Is.EqualTo(Ranges));
        Assert.That(server.Log.Of(3017).Count(), Is.EqualTo(1));
    }

    [Test]
    public void Of_two_half_closed_clients_the_later_overtakes_the_earlier()
    {
        // Goal: an old backlog does not overtake a newer one, though both are served at the same time.
        var limits = new NbdLimits { MaxRequestsInFlight = Ranges };
        using var server = new TestServer(limits, device: d => d.Holds = true);
        using NbdProbe early = server.Go();
        using NbdProbe late = server.Go();
        early.Send(Requests(NBD_CMD_WRITE_ZEROES, 20));
        server.WaitForTurns(Ranges);
        early.FinishSending();
        late.Send(Requests(NBD_CMD_WRITE_ZEROES, 20));
        late.FinishSending();
        server.WaitForTurns(2 * Ranges);
        server.OnLoop(d => d.Holds = false);
        server.OnLoop(d => d.ReleaseAll());
        uint[] errors = [.. Enumerable.Range(0, 20).Select(_ => early.ReadReply().Error)];
        Assert.That(errors.Count(e => e == NBD_ESHUTDOWN), Is.EqualTo(20 - Ranges));
        for (int i = 0; i < 20; i++)
            Assert.That(late.ReadReply().Error, Is.Zero);
    }

    [TestCase(NBD_CMD_WRITE, "without disconnecting")]
    [TestCase(NBD_CMD_DISC, "client disconnected")]
    public void What_is_found_together_with_its_clients_death_never_starts(ushort type, string reason)
    {
        // Goal: a busy loop sees the request and the end at once; a DISC is still understood.
        using var server = new TestServer();
        using var loopIsBusy = new ManualResetEventSlim();
        using var sent = new ManualResetEventSlim();
        NbdProbe probe = server.Go();
        Assert.That(probe.Call(NBD_CMD_FLUSH, 0, 0), Is.Zero);
        Task busy = server.Loop.InvokeAsync(() =>
        {
            loopIsBusy.Set();
            sent.Wait();
            return ValueTask.CompletedTask;
        });
        loopIsBusy.Wait();
        probe.Send([.. NbdProbe.Request(type, 0, RangeBytes), .. New(0)]);
        probe.Dispose();
        sent.Set();
        TestServer.Wait(busy);
        server.WaitForConnections(0);
        Assert.That(server.Log.WaitFor(3011), Does.Contain(reason));
        Assert.That(server.OnLoop(d => d.Log.Count(c => c.Operation == BlockOperation.Write)), Is.Zero);
    }

    private static void ExpectNew(TestServer server, NbdProbe other)
    {
        var ranges = new HashSet<ulong>();
        for (int i = 0; i < Ranges; i++)
        {
            (uint error, ulong range) = other.ReadReply();
            Assert.That(error, Is.Zero);
            ranges.Add(range);
        }
        Assert.That(ranges, Has.Count.EqualTo(Ranges));
        server.WaitForTurns(0);
        Assert.That(server.Contents()[..s_new.Length], Is.EqualTo(s_new));
    }

    private static byte[] Write(int range, ulong cookie) =>
        NbdProbe.Request(NBD_CMD_WRITE, (ulong)(range * RangeBytes), RangeBytes, cookie);

    private static ReadOnlySpan<byte> New(int range) => s_new.AsSpan(range * RangeBytes, RangeBytes);

    // Writes of old data, one range after the other and again.
    private static byte[] OldWrites(int count)
    {
        byte[] old = Bytes.Random(RangeBytes, 1);
        return [.. Enumerable.Range(0, count).SelectMany(i => (byte[])[.. Write(i % Ranges, (ulong)i), .. old])];
    }

    private static byte[] Requests(ushort type, int count) =>
        [.. Enumerable.Range(0, count).SelectMany(
            i => NbdProbe.Request(type, (ulong)(i % Ranges * RangeBytes), RangeBytes, (ulong)i))];
}
