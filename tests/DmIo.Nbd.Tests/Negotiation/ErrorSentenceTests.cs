using System.Text.Unicode;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>What is refused in the handshake is refused with a sentence (checklist 2.4).</summary>
internal sealed class ErrorSentenceTests
{
    private static IEnumerable<TestCaseData> Refused()
    {
        yield return Case("an unknown option", 77, []);
        yield return Case("STARTTLS without TLS", NBD_OPT_STARTTLS, []);
        yield return Case("LIST with data", NBD_OPT_LIST, [1]);
        yield return Case("INFO without data", NBD_OPT_INFO, []);
        yield return Case("GO of no export", NBD_OPT_GO, NbdProbe.Info("nowhere"));
        yield return Case("STRUCTURED_REPLY with data", NBD_OPT_STRUCTURED_REPLY, [1]);
        yield return Case("a context without structured replies", NBD_OPT_SET_META_CONTEXT, NbdProbe.Meta("", "base:allocation"));

        static TestCaseData Case(string name, uint option, byte[] data) => new TestCaseData(option, data).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Refused))]
    public void An_error_comes_with_words_for_people(uint option, byte[] data)
    {
        // Goal: 2.4: UTF-8, no longer than a string may be, no terminator; clients print it.
        using var server = new TestServer();
        using NbdProbe probe = server.Connect();
        probe.Greet();
        OptionReply reply = probe.Ask(option, data).Single();
        Assert.That(reply.Type & NBD_REP_FLAG_ERROR, Is.Not.Zero);
        Assert.That(reply.Data, Has.Length.InRange(10, MaxStringBytes));
        Assert.That(Utf8.IsValid(reply.Data) && !reply.Data.Contains((byte)0), reply.Text);
    }
}
