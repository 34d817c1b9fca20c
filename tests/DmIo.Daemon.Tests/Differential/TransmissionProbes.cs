namespace DmIo.Daemon.Tests;

/// <summary>Requests: every command with every flag, on every kind of range, and what belongs to no command.</summary>
internal static class TransmissionProbes
{
    private const ulong Size = PeerServer.SizeBytes;
    private const int MiB = 1 << 20;

    private static readonly (string Name, int Type)[] s_commands =
    [
        ("READ", Wire.Read), ("WRITE", Wire.Write), ("FLUSH", Wire.Flush), ("TRIM", Wire.Trim), ("CACHE", Wire.Cache),
        ("WRITE_ZEROES", Wire.WriteZeroes), ("BLOCK_STATUS", Wire.BlockStatus),
    ];

    private static readonly (string Name, int Flag)[] s_flags =
    [
        ("", 0), (" FUA", Wire.Fua), (" NO_HOLE", Wire.NoHole), (" DF", Wire.DontFragment), (" REQ_ONE", Wire.ReqOne),
        (" FAST_ZERO", Wire.FastZero), (" PAYLOAD_LEN", 1 << 5), (" flag 15", 1 << 15),
    ];

    private static readonly (string Name, ulong Offset, uint Length)[] s_ranges =
    [
        ("1 byte at 1", 1, 1),
        ("1000 bytes at 513", 513, 1000),
        ("the last byte", Size - 1, 1),
        ("the last 4 KiB", Size - 4096, 4096),
        ("straddling the end", Size - 512, 1024),
        ("at the end", Size, 512),
        ("past the end", Size + MiB, 512),
        ("at 2^63", 1ul << 63, 512),
        ("wrapping 2^64", ulong.MaxValue - 511, 1024),
        ("0 bytes at 0", 0, 0),
        ("0 bytes at the end", Size, 0),
        ("0 bytes past the end", Size + 1, 0),
    ];

    public static IEnumerable<Probe> All => [.. Flags(), .. Ranges(), .. Lengths(), .. Others()];

    private static IEnumerable<Probe> Flags() =>
        from form in (string[])["simple", "structured"]
        from command in s_commands
        from flag in s_flags
        select Going(
            $"{command.Name}{flag.Name}, {form}", form,
            c => c.Try(command.Type, flag.Flag, command.Type == Wire.Flush ? 0 : 2ul * MiB, command.Type == Wire.Flush ? 0 : 65536u));

    private static IEnumerable<Probe> Ranges() =>
        from form in (string[])["simple", "structured"]
        from command in s_commands
        where command.Type != Wire.Flush
        from range in s_ranges
        select Going(
            $"{command.Name} {range.Name}, {form}", form, c => c.Try(command.Type, 0, range.Offset, range.Length));

    private static IEnumerable<Probe> Lengths()
    {
        foreach (string form in (string[])["simple", "structured"])
        {
            foreach ((string name, int type) in s_commands[..2])
            {
                foreach ((string what, uint length) in ((string, uint)[])
                    [("32 MiB", 32 * MiB), ("32 MiB and 1 byte", 32 * MiB + 1), ("64 MiB", 64 * MiB),
                        ("64 MiB and 1 byte", 64 * MiB + 1)])
                    yield return Going($"{name} {what}, {form}", form, c => c.Try(type, 0, 4096, length));
            }
            yield return Going(
                $"READ DF 64 KiB, {form}", form, c => c.Try(Wire.Read, Wire.DontFragment, MiB - 4096ul, 65536));
            yield return Going(
                $"WRITE 64 MiB straddling the end, {form}", form, c => c.Try(Wire.Write, 0, Size - 32ul * MiB, 64 * MiB));
            foreach ((string name, int type) in s_commands.Where(c => c.Type is not (Wire.Read or Wire.Write or Wire.Flush)))
                yield return Going($"{name} the whole export, {form}", form, c => c.Try(type, 0, 0, (uint)Size));
            foreach ((string name, int type) in s_commands.Where(c => c.Type is not (Wire.Write or Wire.Flush)))
                yield return Going($"{name} 2^32-1 bytes, {form}", form, c => c.Try(type, 0, 0, uint.MaxValue));
        }
    }

    private static IEnumerable<Probe> Others()
    {
        foreach (int type in (int[])[Wire.Resize, 9, 0xffff])
            yield return Going($"command {type}", "simple", c => c.Try(type, 0, 0, 4096));
        yield return Going("FLUSH with offset and length", "simple", c => c.Try(Wire.Flush, 0, 4096, 4096));
        yield return Going("DISC", "simple", c =>
        {
            c.SendRequest(Wire.Disconnect, 0, 0, 0);
            c.HearTheEnd();
        });
        yield return Going("DISC with offset, length and flags", "simple", c =>
        {
            c.SendRequest(Wire.Disconnect, 0xffff, ulong.MaxValue, uint.MaxValue);
            c.HearTheEnd();
        });
        foreach ((string name, uint magic) in ((string, uint)[])
            [("wrong", 0x25609514), ("of extended headers", Wire.ExtendedRequestMagic)])
        {
            yield return Going($"request magic {name}", "simple", c =>
            {
                c.SendRequest(Wire.Read, 0, 0, 512, magic: magic);
                c.HearTheEnd();
            });
        }
        foreach (bool reqOne in (bool[])[false, true])
        {
            foreach ((string name, ulong offset, uint length) in s_ranges.Append(("the whole export", 0ul, (uint)Size)))
            {
                yield return Going($"base:allocation{(reqOne ? " REQ_ONE" : "")} of {name}", "contexts", c =>
                    c.Try(Wire.BlockStatus, reqOne ? Wire.ReqOne : 0, offset, length));
            }
        }
    }

    private static Probe Going(string name, string form, Action<RawClient> play) => new(name, c =>
    {
        c.Greet();
        if (form != "simple" && !c.AgreeOnStructured()
            || form == "contexts" && !c.IsGranted(Wire.SetMetaContext, Wire.MetaData("vol0", "base:allocation")))
        {
            c.Hear(Probe.NotOffered);
            return;
        }
        c.GoOn();
        play(c);
    });
}
