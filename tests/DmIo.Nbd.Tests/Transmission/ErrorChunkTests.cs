using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>Errors as chunks, with a sentence that says what is behind them (checklist 2.6, 2.10, 2.15).</summary>
[TestFixture(ReplyForm.Structured)]
[TestFixture(ReplyForm.Extended)]
internal sealed class ErrorChunkTests(object form)
{
    private ReplyForm Form => (ReplyForm)form;

    [Test]
    public void A_read_that_no_leg_could_serve_names_legs_bits_and_sectors()
    {
        // Goal: ERROR_OFFSET at the first sector that nobody could read, and what each leg said.
        using var server = new MirrorServer(overTcp: false);
        using NbdProbe probe = server.GoWith(Form);
        server.Fail(0, new Sectors(100), new Sectors(8), BlockOperation.Read);
        server.Fail(1, new Sectors(102), new Sectors(1), BlockOperation.Read);
        Assert.That(
            probe.Error(NBD_CMD_READ, 96 * 512, 8192),
            Is.EqualTo((NBD_EIO, "vol0: leg 0 a failed: Read at sector 100: EIO, leg 1 b failed: Read at sector 102: EIO, "
                + "error bits 0x3", (ulong?)102 * 512)));
        Assert.That(probe.ReadChunked(0, 4096), Is.EqualTo(new byte[4096]), "the connection goes on");
    }

    [Test]
    public void A_write_that_no_leg_took_names_them()
    {
        // Goal: the same for changes, aligned and not.
        using var server = new MirrorServer(overTcp: false);
        using NbdProbe probe = server.GoWith(Form);
        for (int leg = 0; leg < 2; leg++)
            server.Fail(leg, new Sectors(200), new Sectors(8), BlockOperation.Write);
        int payload = Form == ReplyForm.Extended ? NBD_CMD_FLAG_PAYLOAD_LEN : 0;
        (uint error, string text, ulong? offset) =
            probe.Error(NBD_CMD_WRITE, 200 * 512, 4096, payload, Bytes.Random(4096, 1));
        Assert.That((error, offset), Is.EqualTo((NBD_EIO, (ulong?)200 * 512)));
        Assert.That(text, Does.Contain("leg 0 a failed: Write at sector 200: EIO").And.Contain("leg 1 b failed"));
        Assert.That(text, Does.EndWith("error bits 0x3"));
        (error, text, _) = probe.Error(NBD_CMD_WRITE, 200 * 512 + 1, 100, payload, Bytes.Random(100, 1));
        // Leg 1 may have left meanwhile, since it cannot be made like leg 0.
        Assert.That(error, Is.EqualTo(NBD_EIO));
        Assert.That(text, Does.Match("leg [01] [ab] failed: Write at sector 200: EIO.*error bits 0x[123]$"));
    }

    [Test]
    public void A_flush_that_no_leg_took_names_them_and_no_place()
    {
        // Goal: what has no offset is told without one.
        using var server = new MirrorServer(overTcp: false);
        using NbdProbe probe = server.GoWith(Form);
        int payload = Form == ReplyForm.Extended ? NBD_CMD_FLAG_PAYLOAD_LEN : 0;
        server.FailFlushes();
        probe.Send(Form == ReplyForm.Extended
            ? NbdProbe.ExtendedRequest(NBD_CMD_WRITE, 0, 512, 1, payload)
            : NbdProbe.Request(NBD_CMD_WRITE, 0, 512, 1));
        probe.Send(new byte[512]);
        _ = Form == ReplyForm.Extended ? probe.ReadChunk().Cookie : probe.ReadReply().Cookie;
        (uint error, string text, ulong? offset) = probe.Error(NBD_CMD_FLUSH, 0, 0);
        Assert.That((error, offset), Is.EqualTo((NBD_EIO, (ulong?)null)));
        Assert.That(text, Does.Match("leg 0 a failed: Flush at sector 0: EIO, leg 1 b failed: .*, error bits 0x3$"));
        server.Heal(0);
        server.Heal(1);
    }

    [Test]
    public void A_device_without_legs_tells_its_errno_and_place()
    {
        // Goal: a place inside the request, also where the request is not whole sectors.
        using var server = new TestServer(device: d => d.Fail(new Sectors(2), new Sectors(1)));
        using NbdProbe probe = server.Connect().GoWith(Form);
        Assert.That(
            probe.Error(NBD_CMD_READ, 0, 4096),
            Is.EqualTo((NBD_EIO, "scripted: READ failed: EIO", (ulong?)1024)));
        Assert.That(probe.Error(NBD_CMD_READ, 1100, 4).Offset, Is.EqualTo(1100));
    }

    [TestCase(NBD_CMD_READ, (ulong)TestServer.DefaultBytes, 1u, NBD_EINVAL)]
    [TestCase(NBD_CMD_TRIM, (ulong)TestServer.DefaultBytes, 1u, NBD_EINVAL)]
    [TestCase(NBD_CMD_WRITE_ZEROES, (ulong)TestServer.DefaultBytes, 1u, NBD_ENOSPC)]
    [TestCase(NBD_CMD_CACHE, (ulong)TestServer.DefaultBytes, 1u, NBD_EINVAL)]
    [TestCase(NBD_CMD_BLOCK_STATUS, 0ul, 512u, NBD_EINVAL)]
    [TestCase((ushort)99, 0ul, 512u, NBD_EINVAL)]
    [TestCase(NBD_CMD_READ, ulong.MaxValue - 511, 4096u, NBD_EINVAL)]
    [TestCase(NBD_CMD_READ, 1ul << 63, uint.MaxValue, NBD_EINVAL)]
    public void What_is_refused_is_told_in_a_chunk(int command, ulong offset, uint length, uint error)
    {
        // Goal: T4, errors are chunks; a refusal has a sentence and no offset.
        using var server = new TestServer();
        using NbdProbe probe = server.Connect().GoWith(Form);
        (uint found, string text, ulong? at) = probe.Error((ushort)command, offset, length);
        Assert.That((found, at), Is.EqualTo((error, (ulong?)null)));
        Assert.That(text, Is.Not.Empty);
    }

    [Test]
    public void A_sentence_is_cut_where_it_is_too_long_and_between_characters([Range(0, 6)] int shift)
    {
        // Goal: 2.1: strings are bounded, and UTF-8 to their last byte, wherever the bound falls among the characters.
        string name = new string('x', shift) + string.Concat(Enumerable.Repeat("größe", 3000));
        using var server = new TestServer();
        using NbdProbe probe = server.Connect();
        var device = new ScriptedNamed(server.Loop, name);
        server.Server.AddExport(new NbdExport("long", new PassThroughDevice(device), readOnly: false));
        probe.Greet();
        probe.AgreeOn(Form);
        probe.Ask(NBD_OPT_GO, NbdProbe.Info("long"));
        Chunk chunk = probe.Chunks(NBD_CMD_READ, 0, 512).Single();
        (_, string text, _) = chunk.ReadError();
        Assert.That(name, Does.StartWith(text));
        Assert.That(chunk.Data, Has.Length.InRange(MaxStringBytes + 14 - 1, MaxStringBytes + 14));
    }

    private sealed class ScriptedNamed : DmIo.Testing.ScriptedDevice
    {
        public ScriptedNamed(IoLoop loop, string name)
            : base(loop, name, new Sectors(8)) => FailAll();
    }
}
