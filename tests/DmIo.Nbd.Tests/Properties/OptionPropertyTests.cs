using System.Text;
using DmIo.Nbd.Negotiation;
using DmIo.Nbd.Status;
using DmIo.Nbd.Wire;
using FsCheck;
using FsCheck.Fluent;

namespace DmIo.Nbd.Tests;

/// <summary>Option data: what is well-formed means what it says, everything else is refused with a sentence.</summary>
internal sealed class OptionPropertyTests
{
    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);

    private static Gen<(string Name, ushort[] Types)> Infos =>
        from name in PropertyCheck.Texts
        from types in Gen.Choose(0, 5).Select(n => (ushort)n).ArrayOf()
        select (name, types);

    private static Gen<(string Name, string[] Queries)> Metas =>
        from name in PropertyCheck.Texts
        from queries in PropertyCheck.Texts.ArrayOf()
        select (name, queries);

    [Test]
    public void Information_requests_mean_what_they_say()
    {
        // Goal: name and types come through; a byte less or more is refused.
        PropertyCheck.Check(Infos, info =>
        {
            byte[] data = NbdProbe.Info(info.Name, info.Types);
            Assert.That(InfoRequest.TryParse(data, out InfoRequest request), Is.Null);
            Assert.That(Encoding.UTF8.GetString(request.Name), Is.EqualTo(info.Name));
            for (ushort type = 0; type < 4; type++)
                Assert.That(request.Wants(type), Is.EqualTo(info.Types.Contains(type)), $"type {type}");
            Assert.That(InfoRequest.TryParse([.. data, 0], out _), Is.Not.Null, "a byte more");
            foreach (int cut in Cuts(data.Length))
                Assert.That(InfoRequest.TryParse(data.AsSpan(0, cut), out _), Is.Not.Null, $"{cut} of {data.Length} bytes");
        });
    }

    [Test]
    public void Queries_mean_what_they_say()
    {
        // Goal: name and queries come through, in both verbs; a byte less or more is refused.
        PropertyCheck.Check(Metas, meta =>
        {
            byte[] data = NbdProbe.Meta(meta.Name, meta.Queries);
            Assert.That(MetaContextRequest.TryParse(data, out MetaContextRequest request), Is.Null);
            Assert.That(Encoding.UTF8.GetString(request.Name), Is.EqualTo(meta.Name));
            Assert.That(request.Count, Is.EqualTo(meta.Queries.Length));
            foreach (MetaContext context in (MetaContext[])[MetaContext.Allocation, MetaContext.FailedLegs, MetaContext.OutOfSync])
            {
                string name = Encoding.UTF8.GetString(context.NameBytes);
                string space = name[..(name.IndexOf(':', StringComparison.Ordinal) + 1)];
                bool isNamed = meta.Queries.Contains(name);
                Assert.That(request.Wants(context, isList: false), Is.EqualTo(isNamed), name);
                Assert.That(
                    request.Wants(context, isList: true),
                    Is.EqualTo(isNamed || meta.Queries.Length == 0 || meta.Queries.Contains(space)), name);
            }
            Assert.That(MetaContextRequest.TryParse([.. data, 0], out _), Is.Not.Null, "a byte more");
            foreach (int cut in Cuts(data.Length))
                Assert.That(MetaContextRequest.TryParse(data.AsSpan(0, cut), out _), Is.Not.Null, $"{cut} of {data.Length} bytes");
        });
    }

    [Test]
    public void Any_bytes_are_understood_or_refused()
    {
        // Goal: nothing throws; what is taken has the lengths that it says, and strings that are UTF-8 without NUL.
        Gen<byte[]> nearly =
            from info in Infos
            from meta in Metas
            from isInfo in ArbMap.Default.GeneratorFor<bool>()
            from at in Gen.Choose(0, 40)
            from value in PropertyCheck.Numbers
            select Spoil(isInfo ? NbdProbe.Info(info.Name, info.Types) : NbdProbe.Meta(meta.Name, meta.Queries), at, value);
        PropertyCheck.Check(Gen.OneOf(PropertyCheck.AnyBytes, nearly), data =>
        {
            if (InfoRequest.TryParse(data, out InfoRequest info) is null)
            {
                CheckText(info.Name);
                int types = (data.Length - 6 - info.Name.Length) / 2;
                Assert.That(data, Is.EqualTo((byte[])
                    [.. Bytes.U32((uint)info.Name.Length), .. info.Name, .. Bytes.U16((ushort)types), .. data.AsSpan(data.Length - 2 * types)]));
            }
            if (MetaContextRequest.TryParse(data, out MetaContextRequest meta) is null)
            {
                CheckText(meta.Name);
                CheckQueries(data.AsSpan(4 + meta.Name.Length), meta.Count);
                _ = meta.Wants(MetaContext.Allocation, isList: true);
            }
        }, runs: 2000);
    }

    [Test]
    public void A_payload_names_selected_contexts_once()
    {
        // Goal: length and contexts in their order come through; unknown ids, twice the same and none are refused.
        var payloads =
            from length in PropertyCheck.Numbers
            from ids in Gen.Choose(0, 4).ArrayOf()
            from selected in Gen.SubListOf(MetaContext.Allocation, MetaContext.FailedLegs, MetaContext.OutOfSync)
            select (length, ids, selected);
        PropertyCheck.Check(payloads, payload =>
        {
            (ulong length, int[] ids, IList<MetaContext> selected) = payload;
            byte[] data = [.. Bytes.U64(length), .. ids.SelectMany(id => Bytes.U32((uint)id))];
            bool isRight = ids.Length > 0 && ids.Distinct().Count() == ids.Length
                && ids.All(id => selected.Any(c => c.Id == (uint)id));
            bool isTaken = StatusPayload.MayBe(data.Length, selected.Count) && StatusPayload.TryParse(
                data, [.. selected], out ulong told, out var contexts)
                && told == length && contexts.Select(c => (int)c.Id).SequenceEqual(ids);
            Assert.That(isTaken, Is.EqualTo(isRight));
            Assert.That(StatusPayload.MayBe(data.Length - 1, 3), Is.False, "a byte less");
        });
    }

    // All cuts of what is short, some of what is long.
    private static IEnumerable<int> Cuts(int length) =>
        Enumerable.Range(0, length).Where(cut => cut < 40 || cut > length - 40 || cut % 97 == 0);

    private static byte[] Spoil(byte[] data, int at, ulong value)
    {
        if (at + 4 <= data.Length)
            Bytes.U32((uint)value).CopyTo(data, at);
        return data;
    }

    private static void CheckText(ReadOnlySpan<byte> text)
    {
        Assert.That(text.Length, Is.LessThanOrEqualTo(4096));
        Assert.That(text.Contains((byte)0), Is.False);
        _ = s_strict.GetString(text);
    }

    private static void CheckQueries(ReadOnlySpan<byte> data, int count)
    {
        var reader = new WireReader(data);
        Assert.That(reader.ReadUInt32(), Is.EqualTo((uint)count));
        for (; count > 0; count--)
            CheckText(reader.ReadBytes((int)reader.ReadUInt32()));
        Assert.That(reader.Remaining, Is.Zero);
    }
}
