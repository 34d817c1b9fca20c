using System.Text;

namespace DmIo.Daemon.Tests;

/// <summary>The handshake: every option with good and with malformed data.</summary>
internal static class NegotiationProbes
{
    private const string Known = "vol0";
    private const string Unknown = "nowhere";
    private const uint FourGiB = uint.MaxValue;

    public static IEnumerable<Probe> All => [.. Greetings(), .. Plain(), .. Infos(), .. Forms(), .. Contexts(), .. Sequences()];

    private static IEnumerable<Probe> Greetings()
    {
        yield return new("greeting", c => c.Hear(c.Greet() switch { 3 => "FIXED_NEWSTYLE NO_ZEROES", var f => $"{f:x}" }));
        yield return new("client flags unknown", c =>
        {
            c.Greet(1u << 31 | 3);
            c.Ask(Wire.NoSuchOption);
        });
        foreach (uint flags in (uint[])[0, 1, 2, 3])
        {
            yield return new($"client flags {flags}, EXPORT_NAME vol0", c =>
            {
                c.Greet(flags);
                c.SendOption(Wire.ExportName, "vol0"u8);
                c.Hear(RawClient.ReadExport(c.Receive(10)).Size == PeerServer.SizeBytes ? "size" : "another size");
                if ((flags & 2) == 0)
                    c.Hear(c.Receive(124).All(b => b == 0) ? "zeroes" : "no zeroes");
                c.CheckRequestsGoOn();
            });
        }
        yield return new("option magic wrong", c =>
        {
            c.Greet();
            c.Send([.. Wire.U64(Wire.OptionReplyMagic), .. Wire.U32(Wire.List), .. Wire.U32(0)]);
            c.HearTheEnd();
        });
        yield return new("option of 2^32-1 bytes", c =>
        {
            c.Greet();
            c.Send([.. Wire.U64(Wire.OptionMagic), .. Wire.U32(Wire.NoSuchOption), .. Wire.U32(FourGiB)]);
            c.HearTheEnd();
        });
        foreach ((string what, string name) in ((string, string)[])
            [("''", ""), ("of no export", Unknown), ("of 4096 bytes", new('a', 4096)), ("of 4097 bytes", new('a', 4097)), ("with NUL", "vol0\0")])
        {
            yield return new($"EXPORT_NAME {what}", c =>
            {
                c.Greet();
                c.SendOption(Wire.ExportName, Encoding.UTF8.GetBytes(name));
                c.Receive(10);
                c.Hear("served");
            });
        }
    }

    private static IEnumerable<Probe> Plain()
    {
        foreach ((string name, uint option) in ((string, uint)[])
            [("LIST", Wire.List), ("STARTTLS without TLS", Wire.StartTls), ("PEEK_EXPORT", Wire.PeekExport),
                ("unknown option", Wire.NoSuchOption), ("option 0", 0)])
        {
            yield return Asking(name, option);
            yield return Asking($"{name}, with data", option, new byte[1000]);
        }
        foreach (int length in (int[])[0, 5])
        {
            yield return new($"ABORT{(length > 0 ? ", with data" : "")}", c =>
            {
                c.Greet();
                c.Ask(Wire.Abort, new byte[length]);
                c.HearTheEnd();
            });
        }
    }

    private static IEnumerable<Probe> Infos()
    {
        foreach ((string name, uint option) in ((string, uint)[])[("INFO", Wire.Info), ("GO", Wire.Go)])
        {
            yield return Choosing($"{name} ''", option, Wire.InfoData(""));
            yield return Choosing($"{name} vol0", option, Wire.InfoData(Known));
            yield return Choosing($"{name} of no export", option, Wire.InfoData(Unknown));
            yield return Choosing($"{name} of a name of 4096 bytes", option, Wire.InfoData(new string('a', 4096)));
            yield return Choosing($"{name} of a name of 4097 bytes", option, Wire.InfoData(new string('a', 4097)));
            yield return Choosing($"{name} of a name with NUL", option, Wire.InfoData("vol0\0"));
            yield return Choosing($"{name} of a name that is no UTF-8", option, [.. Wire.U32(2), 0xc3, 0x28, 0, 0]);
            yield return Choosing($"{name} asks NAME", option, Wire.InfoData(Known, 1));
            yield return Choosing($"{name} asks DESCRIPTION", option, Wire.InfoData(Known, 2));
            yield return Choosing($"{name} asks BLOCK_SIZE", option, Wire.InfoData(Known, 3));
            yield return Choosing($"{name} asks BLOCK_SIZE twice", option, Wire.InfoData(Known, 3, 3));
            yield return Choosing($"{name} asks unknown information", option, Wire.InfoData(Known, 0x1234, 0xffff));
            yield return Choosing($"{name} asks 32767 things", option, Wire.InfoData(Known, [.. Enumerable.Range(0x8000, 32767)]));
            yield return Choosing($"{name} without data", option, []);
            yield return Choosing($"{name} with 5 bytes", option, [0, 0, 0, 0, 0]);
            yield return Choosing($"{name}, name past the data", option, [.. Wire.U32(8), .. "vol0"u8, 0, 0]);
            yield return Choosing($"{name}, name of 2^32-1 bytes", option, [.. Wire.U32(FourGiB), .. "vol0"u8, 0, 0]);
            yield return Choosing($"{name}, name over the count", option, [.. Wire.U32(5), .. "vol0"u8, 0, 0]);
            yield return Choosing($"{name}, fewer things than it says", option, [.. Wire.String(Known), .. Wire.U16(2), 0, 3]);
            yield return Choosing($"{name}, more things than it says", option, [.. Wire.String(Known), 0, 1, 0, 3, 0, 3]);
            yield return Choosing($"{name}, an odd byte behind", option, [.. Wire.InfoData(Known, 3), 0]);
        }
    }

    private static IEnumerable<Probe> Forms()
    {
        yield return Asking("STRUCTURED_REPLY", Wire.StructuredReply);
        yield return Asking("STRUCTURED_REPLY, with data", Wire.StructuredReply, 1);
        yield return Asking("EXTENDED_HEADERS", Wire.ExtendedHeaders);
        yield return Asking("EXTENDED_HEADERS, with data", Wire.ExtendedHeaders, 1);
        yield return new("STRUCTURED_REPLY twice", c =>
        {
            c.Greet();
            if (!c.AgreeOnStructured())
                c.Hear(Probe.NotOffered);
            else
                c.Ask(Wire.StructuredReply);
        });
        foreach (bool structured in (bool[])[false, true])
        {
            yield return new($"flags, {(structured ? "structured" : "simple")}", c =>
            {
                c.Greet();
                if (structured && !c.AgreeOnStructured())
                    c.Hear(Probe.NotOffered);
                else
                    c.Hear(Wire.FlagNames(c.GoOn().Export.Flags));
            });
        }
    }

    private static IEnumerable<Probe> Contexts()
    {
        foreach ((string name, uint option) in ((string, uint)[])
            [("LIST_META_CONTEXT", Wire.ListMetaContext), ("SET_META_CONTEXT", Wire.SetMetaContext)])
        {
            yield return Asking($"{name} without structured replies", option, Wire.MetaData(Known, "base:allocation"));
            foreach ((string what, byte[] data) in ((string, byte[])[])
            [
                ("of nothing", Wire.MetaData(Known)),
                ("base:allocation", Wire.MetaData(Known, "base:allocation")),
                ("base:allocation twice", Wire.MetaData(Known, "base:allocation", "base:allocation")),
                ("base:", Wire.MetaData(Known, "base:")),
                ("base:nothing", Wire.MetaData(Known, "base:nothing")),
                ("of an unknown namespace", Wire.MetaData(Known, "nowhere:thing")),
                ("of a query without colon", Wire.MetaData(Known, "base")),
                ("of an empty query", Wire.MetaData(Known, "")),
                ("of a query of 4097 bytes", Wire.MetaData(Known, $"base:{new string('a', 4092)}")),
                ("of a query with NUL", Wire.MetaData(Known, "base:allocation\0")),
                ("of no export", Wire.MetaData(Unknown, "base:allocation")),
                ("of a name with NUL", Wire.MetaData("vol0\0", "base:allocation")),
                ("without data", []),
                ("without count", Wire.String(Known)),
                ("with a query past the data", [.. Wire.String(Known), .. Wire.U32(1), .. Wire.U32(20), .. "base:allocation"u8]),
                ("with a query of 2^32-1 bytes", [.. Wire.String(Known), .. Wire.U32(1), .. Wire.U32(FourGiB), .. "base:"u8]),
                ("with 2^32-1 queries", [.. Wire.String(Known), .. Wire.U32(FourGiB), .. Wire.String("base:allocation")]),
                ("with fewer queries than there are", [.. Wire.MetaData(Known, "base:allocation"), .. Wire.String("base:")]),
            ])
            {
                yield return new($"{name} {what}", c =>
                {
                    c.Greet();
                    if (!c.AgreeOnStructured())
                    {
                        c.Hear(Probe.NotOffered);
                        return;
                    }
                    c.Ask(option, data);
                    c.CheckOptionsGoOn();
                });
            }
        }
    }

    private static IEnumerable<Probe> Sequences()
    {
        yield return new("GO after a GO that failed", c =>
        {
            c.Greet();
            c.Hear(c.IsGranted(Wire.Go, Wire.InfoData(Unknown)) ? "ACK" : "no ACK");
            // Longer than a request's header: a server that is past the handshake sees that it is none.
            c.Ask(Wire.Go, Wire.InfoData(Known, 0x1234, 0x1234, 0x1234));
            c.CheckRequestsGoOn();
        });
        yield return new("INFO, then GO without INFO's name", c =>
        {
            c.Greet();
            c.IsGranted(Wire.Info, Wire.InfoData(Unknown));
            c.Hear(c.IsGranted(Wire.Go, Wire.InfoData(Known)) ? "ACK" : "no ACK");
            c.CheckRequestsGoOn();
        });
        yield return new("INFO's flags are GO's", c =>
        {
            c.Greet();
            c.AgreeOnStructured();
            (ulong, int) told = c.HearExport(Wire.Info);
            c.GoOn();
            c.Hear(told == c.Export ? "the same" : "others");
        });
        yield return new("option after GO", c =>
        {
            c.Greet();
            c.GoOn();
            c.SendOption(Wire.List, new byte[100]);
            c.HearTheEnd();
        });
        yield return new("all options in one segment", c =>
        {
            c.Greet();
            c.Send(
            [
                .. Option(Wire.NoSuchOption), .. Option(Wire.Info, Wire.InfoData(Known)), .. Option(Wire.StartTls),
                .. Option(Wire.NoSuchOption),
            ]);
            foreach (uint option in (uint[])[Wire.NoSuchOption, Wire.Info, Wire.StartTls, Wire.NoSuchOption])
                c.HearAnswer(option);
        });
    }

    private static byte[] Option(uint option, params byte[] data) =>
        [.. Wire.U64(Wire.OptionMagic), .. Wire.U32(option), .. Wire.U32((uint)data.Length), .. data];

    private static Probe Asking(string name, uint option, params byte[] data) => new(name, c =>
    {
        c.Greet();
        c.Ask(option, data);
        c.CheckOptionsGoOn();
    });

    private static Probe Choosing(string name, uint option, byte[] data) => new(name, c =>
    {
        c.Greet();
        if (c.Ask(option, data).EndsWith("ACK", StringComparison.Ordinal) && option == Wire.Go)
            c.CheckRequestsGoOn();
        else
            c.CheckOptionsGoOn();
    });
}
