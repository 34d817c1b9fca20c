using DmIo.Nbd.Edge;
using DmIo.Nbd.Wire;
using FsCheck.Fluent;

namespace DmIo.Nbd.Tests;

/// <summary>What requests are refused for, against the rules written down a second time.</summary>
internal sealed class RulePropertyTests
{
    private const long SizeBytes = 1L << 41;

    [Test]
    public void Requests_are_refused_as_the_protocol_says([Values] ReplyForm form, [Values] bool readOnly)
    {
        // Goal: for any header, success only where it may be, and an error only that names what is wrong with it.
        var headers =
            from type in Gen.Choose(0, 9)
            from flags in Gen.OneOf(Gen.Constant(0), Gen.Choose(0, 63), Gen.Choose(0, 65535))
            from offset in PropertyCheck.Numbers
            from length in PropertyCheck.Numbers
            from hasContexts in ArbMap.Default.GeneratorFor<bool>()
            select (
                Header: new RequestHeader(
                    0, (ushort)flags, (ushort)type, 1, offset, form == ReplyForm.Extended ? length : (uint)length),
                HasContexts: hasContexts);
        using KernelLoop loop = KernelLoop.Open("rules", LoopBackend.Threads, out _);
        loop.Start();
        var export = new NbdExport("vol0", new ExtentDevice(loop, SizeBytes), readOnly);
        var known = new FuzzExport("vol0", SizeBytes) { IsReadOnly = readOnly, CanTrim = false };
        int most = new NbdLimits().MaxPayloadBytes;
        PropertyCheck.Check(headers, one =>
        {
            if (one.Header.Type == NbdConstants.NBD_CMD_DISC)
                return; // Has no answer.
            (HashSet<uint> errors, bool maySucceed) = FuzzRules.Of(one.Header, form, known, one.HasContexts, most);
            Errno errno = RequestRules.Check(one.Header, export, form, one.HasContexts, most);
            bool isFastZero = errno == Errno.EOPNOTSUPP;
            uint error = isFastZero ? NbdConstants.NBD_ENOTSUP : WireError.From(errno);
            Assert.That(
                error == 0 ? maySucceed : errors.Contains(error),
                $"{one.Header}: {errno}, may be {(maySucceed ? "success " : "")}{string.Join(' ', errors)}");
        }, runs: 3000);
    }
}
