using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>Structured replies and contexts where there is TLS.</summary>
internal sealed class TlsStructuredTests
{
    private const string Allocation = "base:allocation";

    [TestCase(ReplyForm.Structured)]
    [TestCase(ReplyForm.Extended)]
    public void Chunks_come_through_tls(object form)
    {
        // Goal: what is composed of many pieces goes through records as well.
        using var rig = new TlsRig(sizeBytes: 8 << 20);
        byte[] data = new byte[8 << 20];
        Bytes.Random(1 << 20, 1).CopyTo(data, 3 << 20);
        rig.Server.OnLoop(d => data.CopyTo(d.Contents()));
        using NbdProbe probe = rig.Greet().StartTls();
        probe.AgreeOn((ReplyForm)form);
        probe.Select("vol0", Allocation);
        probe.GoOn("vol0");
        Assert.That(probe.ReadChunked(0, data.Length).AsSpan().SequenceEqual(data));
        Assert.That(probe.Chunks(NBD_CMD_READ, 0, (ulong)data.Length), Has.Count.EqualTo(3));
        Assert.That(probe.Status(0, 4096)[Allocation], Is.EqualTo(new[] { (4096ul, 0ul) }));
        Assert.That(probe.Error(NBD_CMD_READ, (ulong)data.Length, 1).Error, Is.EqualTo(NBD_EINVAL));
    }

    [TestCase(NBD_OPT_LIST_META_CONTEXT)]
    [TestCase(NBD_OPT_SET_META_CONTEXT)]
    public void Contexts_of_an_export_that_wants_tls_are_told_in_tls_alone(uint option)
    {
        // Goal: 2.5: TLS_REQD, as for INFO and GO.
        using var rig = new TlsRig(isRequired: false);
        var export = new NbdExport("secret", rig.Server.Export, readOnly: false) { RequiresTls = true };
        rig.Server.Server.AddExport(export);
        using NbdProbe probe = rig.Greet();
        probe.AgreeOn(ReplyForm.Structured);
        Assert.That(probe.Ask(option, NbdProbe.Meta("secret")).Single().Type, Is.EqualTo(NBD_REP_ERR_TLS_REQD));
        probe.StartTls();
        probe.AgreeOn(ReplyForm.Structured);
        Assert.That(probe.Ask(option, NbdProbe.Meta("secret"))[^1].Type, Is.EqualTo(NBD_REP_ACK));
    }

    [Test]
    public void A_selection_in_the_clear_does_not_hold_in_tls()
    {
        // Goal: CVE-2021-3716: contexts are dropped with all else.
        using var rig = new TlsRig(isRequired: false);
        using NbdProbe probe = rig.Greet();
        probe.AgreeOn(ReplyForm.Structured);
        probe.Select("vol0", Allocation);
        probe.StartTls();
        Assert.That(
            probe.Ask(NBD_OPT_SET_META_CONTEXT, NbdProbe.Meta("vol0", Allocation)).Single().Type,
            Is.EqualTo(NBD_REP_ERR_INVALID));
        probe.AgreeOn(ReplyForm.Structured);
        probe.GoOn("vol0");
        Assert.That(probe.Error(NBD_CMD_BLOCK_STATUS, 0, 4096).Error, Is.EqualTo(NBD_EINVAL));
    }
}
