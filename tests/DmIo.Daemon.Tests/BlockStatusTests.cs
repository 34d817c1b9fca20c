using System.Text.Json;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>What unmodified clients learn by structured replies: holes, and which leg failed where.</summary>
public sealed class BlockStatusTests
{
    private const int MiB = 1 << 20;

    // Goal: base:allocation of sparse legs is what nbdinfo and qemu-img print, and copies stay sparse.
    [Test]
    public void Holes_of_the_legs_are_seen_and_kept_by_clients()
    {
        using var volume = new Volume("64M");
        DaemonProcess daemon = volume.Serve();
        byte[] data = new byte[2 * MiB];
        new Random(1).NextBytes(data);
        using (NbdClient client = NbdClient.Connect(volume.Socket))
        {
            Assert.That(client.WriteAt(16 * MiB, data), Is.Zero);
            Assert.That(client.FlushAll(), Is.Zero);
        }
        Assert.That(Map(volume.Uri, "base:allocation"), Is.EqualTo(new[]
        {
            (0L, 16L * MiB, 3L), (16L * MiB, 2L * MiB, 0L), (18L * MiB, 46L * MiB, 3L),
        }));
        string map = Tool.Run("qemu-img", "map", "--output=json", "-f", "raw", volume.Uri).MustSucceed().Output;
        JsonElement[] extents = [.. JsonDocument.Parse(map).RootElement.EnumerateArray()];
        Assert.That(
            extents.Where(e => e.GetProperty("data").GetBoolean())
                .Select(e => (e.GetProperty("start").GetInt64(), e.GetProperty("length").GetInt64())),
            Is.EqualTo(new[] { (16L * MiB, 2L * MiB) }));
        string copied = volume.Scratch.Sparse("copied.img", 64 * MiB);
        Tool.Run("nbdcopy", volume.Uri, copied).MustSucceed();
        string converted = volume.Scratch["converted.img"];
        Tool.Run("qemu-img", "convert", "-f", "raw", "-O", "raw", volume.Uri, converted).MustSucceed();
        foreach (string copy in (string[])[copied, converted])
        {
            Tool.Compare(volume.Legs[0], copy);
            long blocks = long.Parse(Tool.Run("stat", "-c", "%b", copy).MustSucceed().Output);
            Assert.That(blocks * 512, Is.LessThan(4 * MiB), "sparse");
        }
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
    }

    // Goal: nbdinfo of a Debian tells which leg failed where; when the leg is back and has caught up, the words are gone.
    [Test]
    public void Which_leg_failed_where_is_printed_by_nbdinfo_until_it_is_healed()
    {
        using var scratch = new Scratch();
        scratch.Sparse("a.img", 64 * MiB);
        scratch.Sparse("b.img", 64 * MiB);
        string config = scratch.Write("dmio-nbd.json", """
            {
              "stateDirectory": "state", "control": "control.sock",
              "listeners": [ { "unix": "nbd.sock" } ],
              "devices": {
                "dusty": { "table": "0 131072 dust b.img 0 512" },
                "vol0": { "table": "0 131072 mirror core 1 1024 2 a.img 0 dm:dusty 0", "assumeClean": true },
              },
              "exports": [ { "name": "vol0" } ],
            }
            """);
        using DaemonProcess daemon = DaemonProcess.Serve("--config", config);
        string uri = $"nbd+unix:///vol0?socket={scratch["nbd.sock"]}";
        const long Size = 64L * MiB;
        Assert.That(Map(uri, "x-dmio:failed-legs"), Is.EqualTo(new[] { (0L, Size, 0L) }));

        // The second leg cannot be written at one place: the write there makes it leave.
        string control = scratch["control.sock"];
        ControlTool.Run(control, "message", "dusty", "0", "addbadblock", "20480", "255").MustSucceed();
        ControlTool.Run(control, "message", "dusty", "0", "enable").MustSucceed();
        Tool.Run("qemu-io", "-f", "raw", "-c", "write -P 0x5a 10M 512", uri).MustSucceed();
        Assert.That(Map(uri, "x-dmio:failed-legs"), Is.EqualTo(new[] { (0L, Size, 2L) }));
        Assert.That(Map(uri, "x-dmio:out-of-sync"), Is.EqualTo(new[]
        {
            (0L, 10L * MiB, 0L), (10L * MiB, MiB / 2, 2L), (10L * MiB + MiB / 2, Size - 10L * MiB - MiB / 2, 0L),
        }));

        ControlTool.Run(control, "message", "dusty", "0", "removebadblock", "20480").MustSucceed();
        ControlTool.Run(control, "leg", "clear", "vol0", "1").MustSucceed();
        daemon.WaitForLog("is in sync");
        foreach (string context in (string[])["x-dmio:failed-legs", "x-dmio:out-of-sync"])
            Assert.That(Map(uri, context), Is.EqualTo(new[] { (0L, Size, 0L) }), context);
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
    }

    // Goal: what no leg can read is told to people by the legs' names: libnbd's debug output has the sentence.
    [Test]
    public void Libnbd_is_told_which_legs_could_not_be_read()
    {
        using var scratch = new Scratch();
        string config = scratch.Write("dmio-nbd.json", """
            {
              "stateDirectory": "state", "listeners": [ { "unix": "nbd.sock" } ],
              "devices": {
                "one": { "table": "0 131072 error" }, "two": { "table": "0 131072 error" },
                "vol0": { "table": "0 131072 mirror core 2 1024 nosync 2 dm:one 0 dm:two 0", "assumeClean": true },
              },
              "exports": [ { "name": "vol0" } ],
            }
            """);
        using DaemonProcess daemon = DaemonProcess.Serve("--config", config);
        string uri = $"nbd+unix:///vol0?socket={scratch["nbd.sock"]}";
        string script = scratch.Write("read.py", """
            import errno, nbd, sys
            h = nbd.NBD()
            lines = []
            h.set_debug_callback(lambda where, line: lines.append(line))
            h.set_debug(True)
            h.connect_uri(sys.argv[1])
            try:
                h.pread(4096, 65536)
                assert False
            except nbd.Error as e:
                assert e.errnum == errno.EIO, e.errnum
            print("\n".join(lines))
            """);
        Assert.That(
            Tool.Run("/usr/bin/python3", script, uri).MustSucceed().Output,
            Does.Contain("leg 0 dm:one failed: Read at sector 128: EIO, leg 1 dm:two failed: Read at sector 128: EIO, "
                + "error bits 0x3"));
    }

    // Goal: libnbd negotiates all of it and says so, and takes chunks of reads and of several contexts.
    [Test]
    public void Libnbd_takes_structured_replies()
    {
        using var volume = new Volume("64M");
        DaemonProcess daemon = volume.Serve();
        string uri = volume.Uri;
        foreach (string can in (string[])["df", "structured-reply", "cache", "fast-zero", "zero", "trim", "multi-conn"])
            Tool.Run("nbdinfo", "--can", can, uri).MustSucceed();
        string list = Tool.Run("nbdinfo", "--list", uri).MustSucceed().Output;
        foreach (string context in (string[])["base:allocation", "x-dmio:failed-legs", "x-dmio:out-of-sync"])
            Assert.That(list, Does.Contain(context));
        string script = volume.Scratch.Write("structured.py", """
            import errno, nbd, sys
            h = nbd.NBD()
            for context in ["base:allocation", "x-dmio:failed-legs", "x-dmio:out-of-sync"]:
                h.add_meta_context(context)
            h.connect_uri(sys.argv[1])
            assert h.get_structured_replies_negotiated()
            assert h.can_df() and h.can_cache() and h.can_fast_zero()
            M = 1 << 20
            h.pwrite(b"\x5a" * 65536, 4 * M)
            chunks = []
            def chunk(data, offset, status, err):
                chunks.append((status, offset, len(data)))
            got = h.pread_structured(2 * M, 3 * M, chunk)
            assert got == bytes(M) + b"\x5a" * 65536 + bytes(M - 65536)
            assert [c[0] for c in chunks] == [nbd.READ_HOLE, nbd.READ_DATA, nbd.READ_HOLE], chunks
            assert chunks[1] == (nbd.READ_DATA, 4 * M, 65536), chunks
            chunks.clear()
            assert h.pread_structured(2 * M, 3 * M, chunk, nbd.CMD_FLAG_DF) == got
            assert chunks == [(nbd.READ_DATA, 3 * M, 2 * M)], chunks
            told = {}
            def extent(context, offset, entries, err):
                assert context not in told
                told[context] = entries
            h.block_status(64 * M, 0, extent)
            assert len(told) == 3, told
            assert all(sum(e[0::2]) == 64 * M for e in told.values()), told
            assert told["x-dmio:failed-legs"] == [64 * M, 0], told
            told.clear()
            h.block_status(64 * M, 0, extent, nbd.CMD_FLAG_REQ_ONE)
            assert all(len(e) == 2 for e in told.values()), told
            h.cache(M, 4 * M)
            h.zero(M, 4 * M, nbd.CMD_FLAG_FAST_ZERO)
            h.set_strict_mode(0)
            for call in [lambda: h.pread(512, 64 * M), lambda: h.zero(512, 0, nbd.CMD_FLAG_FAST_ZERO | nbd.CMD_FLAG_NO_HOLE)]:
                try:
                    call()
                    assert False
                except nbd.Error as e:
                    assert e.errnum in (errno.EINVAL, errno.ENOTSUP), e.errnum
            h.shutdown()
            """);
        Tool.Run("/usr/bin/python3", script, uri).MustSucceed();
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        volume.CompareLegs();
    }

    // Goal: an export that nobody has described says which volume it is, the same after a restart.
    [Test]
    public void A_volume_is_known_by_its_uuid()
    {
        using var volume = new Volume("4M");
        string first = Describe();
        Assert.That(first, Does.Match("^volume [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"));
        Assert.That(Describe(), Is.EqualTo(first));

        string Describe()
        {
            DaemonProcess daemon = volume.Serve();
            string info = Tool.Run("nbdinfo", "--json", volume.Uri).MustSucceed().Output;
            Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
            return JsonDocument.Parse(info).RootElement.GetProperty("exports")[0].GetProperty("description").GetString()!;
        }
    }

    private static (long Offset, long Length, long Status)[] Map(string uri, string context)
    {
        string map = Tool.Run("nbdinfo", $"--map={context}", "--json", uri).MustSucceed().Output;
        return
        [
            .. JsonDocument.Parse(map).RootElement.EnumerateArray().Select(e => (
                e.GetProperty("offset").GetInt64(), e.GetProperty("length").GetInt64(), e.GetProperty("type").GetInt64())),
        ];
    }
}
