using System.Text.Json;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>What other people's clients see and do.</summary>
public sealed class InteropTests
{
    [Test]
    public void A_file_says_which_exports_there_are()
    {
        using var scratch = new Scratch();
        foreach (string leg in (string[])["a.img", "b.img", "c.img"])
            scratch.Sparse(leg, 8 << 20);
        string config = scratch.Write("dmio-nbd.json", """
            {
              // Two volumes and a part of a third file.
              "stateDirectory": "state",
              "listeners": [ { "unix": "nbd.sock" }, { "tcp": "[::1]:0" } ],
              "devices": {
                "data": {
                  "table": [
                    "# the first half is mirrored, the second is not",
                    "0 8192 mirror core 1 1024 2 a.img 0 b.img 0 1 handle_errors",
                    "8192 8192 linear c.img 8192",
                  ],
                },
              },
              "exports": [
                { "name": "data", "description": "half mirrored", "default": true },
                { "name": "raw", "device": "c.img", "readOnly": true },
              ],
              "ioBackend": "auto",
              "logLevel": "debug",
              "limits": { "maxConnections": 100, "handshakeTimeoutSeconds": 5, "maxBytesInFlight": "32M" },
            }
            """);
        using DaemonProcess daemon = DaemonProcess.Serve("--config", config);
        string uri = $"nbd+unix:///?socket={scratch["nbd.sock"]}";
        JsonElement list = JsonDocument.Parse(Tool.Run("nbdinfo", "--list", "--json", uri).MustSucceed().Output)
            .RootElement.GetProperty("exports");
        JsonElement[] exports = [.. list.EnumerateArray()];
        string?[] names = [.. exports.Select(e => e.GetProperty("export-name").GetString())];
        Assert.That(names, Is.EquivalentTo((string[])["data", "raw"]));
        JsonElement data = exports.First(e => e.GetProperty("export-name").GetString() == "data");
        Assert.That(data.GetProperty("description").GetString(), Does.StartWith("half mirrored (volume "));
        Assert.That(data.GetProperty("export-size").GetInt64(), Is.EqualTo(8 << 20));
        Assert.That(data.GetProperty("can_multi_conn").GetBoolean());
        Assert.That(data.GetProperty("can_fua").GetBoolean());
        Assert.That(data.GetProperty("can_trim").GetBoolean());
        Assert.That(data.GetProperty("can_zero").GetBoolean());
        JsonElement raw = exports.First(e => e.GetProperty("export-name").GetString() == "raw");
        Assert.That(raw.GetProperty("is_read_only").GetBoolean());

        // The second half of the table lies in the second half of the third file.
        string unit = $"nbd+unix:///data?socket={scratch["nbd.sock"]}";
        Tool.Run("qemu-io", "-f", "raw", "-c", "write -P 0x5a 4M 1M", "-c", "flush", unit).MustSucceed();
        Tool.Run("qemu-io", "-r", "-f", "raw", "-c", "read -P 0x5a 4M 1M", "-c", "read -P 0 0 4M",
            $"nbd+unix:///raw?socket={scratch["nbd.sock"]}").MustSucceed();
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
    }

    [Test]
    public void Volumes_that_share_nothing_are_served_side_by_side()
    {
        using var scratch = new Scratch();
        foreach (string leg in (string[])["a.img", "b.img", "c.img", "d.img"])
            scratch.Sparse(leg, 32 << 20);
        string config = scratch.Write("dmio-nbd.json", """
            {
              "stateDirectory": "state",
              "listeners": [ { "unix": "nbd.sock" } ],
              "devices": {
                "one": { "table": "0 65536 mirror core 1 1024 2 a.img 0 b.img 0" },
                "two": { "table": "0 65536 mirror core 1 1024 2 c.img 0 d.img 0" },
              },
              "exports": [ { "name": "one" }, { "name": "two" } ],
            }
            """);
        using DaemonProcess daemon = DaemonProcess.Serve("--config", config);
        Assert.That(daemon.Log, Does.Contain($"on {Math.Min(2, Environment.ProcessorCount)} loop(s)"));
        Parallel.ForEach((string[])["one", "two"], name =>
        {
            byte[] bytes = new byte[32 << 20];
            new Random(name[0]).NextBytes(bytes);
            File.WriteAllBytes(scratch[name], bytes);
            string uri = $"nbd+unix:///{name}?socket={scratch["nbd.sock"]}";
            Tool.Run("nbdcopy", "--flush", scratch[name], uri).MustSucceed();
            Tool.Run("qemu-img", "compare", "-f", "raw", "-F", "raw", scratch[name], uri).MustSucceed();
        });
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        foreach ((string image, string leg) in ((string, string)[])[("one", "a"), ("one", "b"), ("two", "c"), ("two", "d")])
            Tool.Compare(scratch[image], scratch[$"{leg}.img"]);
    }

    [Test]
    public void Qemu_io_writes_zeroes_trims_and_reads_at_odd_offsets()
    {
        using var volume = new Volume("16M");
        DaemonProcess daemon = volume.Serve();
        ToolResult result = Tool.Run("qemu-io", "-f", "raw",
            "-c", "write -P 0x11 0 4M", "-c", "write -P 0x22 513 1000", "-c", "read -P 0x22 513 1000",
            "-c", "read -P 0x11 0 513", "-c", "write -z 1M 1M", "-c", "read -P 0 1M 1M", "-c", "write -z -u 2M 1M",
            "-c", "read -P 0 2M 1M", "-c", "discard 3M 512k", "-c", "read -P 0 3M 512k", "-c", "write -f -P 0x33 8M 64k",
            "-c", "aio_write -P 0x44 9M 1M", "-c", "aio_write -P 0x55 9M 1M", "-c", "aio_flush", "-c", "read -P 0x55 9M 1M",
            volume.Uri).MustSucceed();
        Assert.That(result.Output, Does.Not.Contain("failed").IgnoreCase);
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        volume.CompareLegs();
    }

    [Test]
    public void Libnbd_sees_one_cache_over_several_connections()
    {
        using var volume = new Volume("16M");
        DaemonProcess daemon = volume.Serve();
        string script = volume.Scratch.Write("several.py", """
            import errno, nbd, sys
            handles = []
            for i in range(4):
                h = nbd.NBD()
                h.connect_uri(sys.argv[1])
                handles.append(h)
            assert handles[0].can_multi_conn() and handles[0].can_flush() and handles[0].can_fua()
            for i, h in enumerate(handles):
                h.pwrite(bytes([i + 1]) * 4096, i * 4096, nbd.CMD_FLAG_FUA)
            handles[3].flush()
            for h in handles:
                assert h.pread(16384, 0) == b"".join(bytes([i + 1]) * 4096 for i in range(4))
            h = handles[0]
            h.set_strict_mode(0)
            for call, want in [
                (lambda: h.pwrite(b"x" * 512, h.get_size()), errno.ENOSPC),
                (lambda: h.pread(512, h.get_size() - 256), errno.EINVAL),
                (lambda: h.trim(512, h.get_size()), errno.EINVAL),
                (lambda: h.zero(512, h.get_size()), errno.ENOSPC),
                (lambda: h.pwrite(b"x", 0, 1 << 14), errno.EINVAL),
            ]:
                try:
                    call()
                    assert False, want
                except nbd.Error as e:
                    assert e.errnum == want, (e.errnum, want)
            big = bytes(range(256)) * (64 << 12)
            h.pwrite(big[:12 << 20], 4 << 20)
            assert handles[1].pread(12 << 20, 4 << 20) == big[:12 << 20]
            for h in handles:
                h.shutdown()
            """);
        Tool.Run("/usr/bin/python3", script, volume.Uri).MustSucceed();
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        volume.CompareLegs();
    }

    [Test]
    [Category("Root")]
    public void Disks_are_legs_too()
    {
        Needs.Root("makes loop devices");
        using var volume = new Volume("32M");
        string[] files = [volume.Scratch.Sparse("a", 32 << 20), volume.Scratch.Sparse("b", 32 << 20)];
        var disks = new List<string>();
        try
        {
            foreach (string file in files)
                disks.Add(Tool.Run("losetup", "--find", "--show", file).MustSucceed().Output.Trim());
            disks.CopyTo(volume.Legs);
            DaemonProcess daemon = volume.Serve("--assume-clean", "--direct");
            Tool.Run("qemu-io", "-f", "raw", "-c", "write -P 3 0 4M", "-c", "write -z -u 1M 1M", "-c", "discard 2M 1M",
                "-c", "read -P 0 1M 1M", "-c", "read -P 3 3M 1M", volume.Uri).MustSucceed();
            Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        }
        finally
        {
            foreach (string disk in disks)
                Tool.Run("losetup", "--detach", disk).MustSucceed();
        }
        Tool.Compare(files[0], files[1]);
    }

    [Test]
    public void A_read_only_export_refuses_changes()
    {
        using var volume = new Volume("4M");
        DaemonProcess daemon = volume.Serve("--read-only");
        using (NbdClient client = NbdClient.Connect(volume.Socket))
        {
            Assert.That(client.WriteAt(0, new byte[512]), Is.EqualTo(1), "EPERM");
            Assert.That(client.ReadAt(0, 512, out _), Is.Zero);
        }
        Assert.That(Tool.Run("nbdinfo", "--is", "read-only", volume.Uri).ExitCode, Is.Zero);
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
    }

    [Test]
    public void A_file_that_may_only_be_read_is_served_read_only()
    {
        using var scratch = new Scratch();
        string file = scratch.Write("a.img", new string('a', 1 << 20));
        File.SetUnixFileMode(file, UnixFileMode.UserRead);
        using DaemonProcess daemon = DaemonProcess.Serve(
            "--linear", file, "--read-only", "--unix", scratch["nbd.sock"]);
        using (NbdClient client = NbdClient.Connect(scratch["nbd.sock"]))
        {
            Assert.That(client.ReadAt(1000, 24, out byte[] back), Is.Zero);
            Assert.That(back, Is.All.EqualTo((byte)'a'));
        }
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
    }

    [Test]
    public void An_existing_disk_is_copied_to_a_new_leg_while_it_is_served()
    {
        using var volume = new Volume("64M");
        byte[] contents = new byte[64 << 20];
        new Random(3).NextBytes(contents);
        File.WriteAllBytes(volume.Legs[1], contents);
        DaemonProcess daemon = volume.Serve("--sync-from", "1");
        using (NbdClient client = NbdClient.Connect(volume.Socket))
        {
            Assert.That(client.ReadAt(12345, 100_000, out byte[] back), Is.Zero);
            Assert.That(back.AsSpan().SequenceEqual(contents.AsSpan(12345, 100_000)));
            Assert.That(client.WriteAt(0, new byte[4096]), Is.Zero);
        }
        daemon.WaitForLog("128/128 1 AA ");
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        volume.CompareLegs();
        contents.AsSpan(0, 4096).Clear();
        Assert.That(File.ReadAllBytes(volume.Legs[0]).AsSpan().SequenceEqual(contents));
    }
}
