namespace DmIo.SideBySide.Servers;

/// <summary>The other servers, each in the forms worth comparing with.</summary>
internal static class Peers
{
    public static IReadOnlyList<ServerForm> All { get; } =
    [
        new("nbdkit", "nbdkit", l => ["-f", "-U", l.Socket, "file", l.Legs[0]]) { Package = "nbdkit" },
        QemuNbd("qemu-nbd", aio: null, buffered: true),
        QemuNbd("qemu-nbd io_uring", "io_uring", buffered: true),
        QemuNbd("qemu-nbd native", "native", buffered: false),
        new("nbd-server", "nbd-server", NbdServer) { Package = "nbd-server", Export = "disk", Daemonizes = true },
        Quorum("quorum", aio: null),
        Quorum("quorum io_uring", "io_uring"),
    ];

    private static ServerForm QemuNbd(string name, string? aio, bool buffered) =>
        new(name, "qemu-nbd", l =>
        [
            "-k", l.Socket, "-t", "-e", "8", "--image-opts",
            $"driver=raw,file.driver=file,file.filename={l.Legs[0]},file.locking=off"
                + (aio is null ? "" : $",file.aio={aio}") + (l.Direct ? ",file.cache.direct=on" : ""),
        ])
        {
            Package = "qemu-utils",
            Buffered = buffered,
            Direct = true,
        };

    private static ServerForm Quorum(string name, string? aio) =>
        new(name, "qemu-storage-daemon", l =>
        [
            "--blockdev", Leg("f0", l.Legs[0], aio),
            "--blockdev", Leg("f1", l.Legs[1], aio),
            "--blockdev", "driver=quorum,node-name=q,children.0=f0,children.1=f1,vote-threshold=1,read-pattern=fifo",
            "--nbd-server", $"addr.type=unix,addr.path={l.Socket}",
            "--export", "type=nbd,id=e,node-name=q,name=,writable=on",
        ])
        {
            Package = "qemu-system-common",
            Mirrors = true,
        };

    private static string Leg(string node, string path, string? aio) =>
        $"driver=file,node-name={node},filename={path},locking=off" + (aio is null ? "" : $",aio={aio}");

    private static string[] NbdServer(Launch launch)
    {
        string configuration = Path.Combine(launch.Directory, "nbd-server.conf");
        File.WriteAllText(
            configuration,
            $"""
            [generic]
              unixsock = {launch.Socket}
              allowlist = true
            [disk]
              exportname = {launch.Legs[0]}
              flush = true
              fua = true

            """);
        return ["-C", configuration, "-p", launch.ProcessIdFile];
    }
}
