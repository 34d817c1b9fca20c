using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>
/// A daemon that is to stay in memory and may not. That one which may does, with swap on its volume, is shown in the virtual
/// machine (tests/vm, scenario swap): many machines that run tests keep CAP_SYS_RESOURCE to themselves.
/// </summary>
public sealed class LockedMemoryTests
{
    // Goal: no silent fallback. Without the capability the daemon does not serve, says why and what to do, and has made
    // nothing.
    [TestCase(true)]
    [TestCase(false)]
    public void Where_it_may_not_stay_in_memory_it_does_not_serve(bool byFile)
    {
        Needs.Root("takes a capability away");
        using var scratch = new Scratch();
        string[] volume =
        [
            "--mirror", scratch["a.img"], scratch["b.img"], "--create", "--size", "1M", "--unix", scratch["nbd.sock"],
            "--lock-memory",
        ];
        string file = scratch.Write("dmio.json", """
            {
              "lockMemory": true, "listeners": [ { "unix": "nbd.sock" } ],
              "devices": { "vol0": { "table": "0 2048 zero" } }, "exports": [ { "name": "vol0" } ],
            }
            """);
        string[] arguments = byFile ? ["--config", file] : volume;
        ToolResult result = Tool.Run(
            "setpriv", ["--bounding-set=-sys_resource", BuiltProgram.Path, "serve", "--control", "off", .. arguments]);
        Assert.That(result.ExitCode, Is.EqualTo(1), result.Error);
        Assert.That(
            result.Error,
            Is.EqualTo(
                "dmio-nbd: --lock-memory: the kernel does not take it for one that serves its own memory "
                + "(PR_SET_IO_FLUSHER: EPERM); run it as root with CAP_SYS_RESOURCE "
                + "(a unit: CapabilityBoundingSet=CAP_SYS_RESOURCE CAP_IPC_LOCK)\n"));
        Assert.That(File.Exists(scratch["a.img"]) || File.Exists(scratch["nbd.sock"]), Is.False, "something was made");
    }

    // Goal: where nothing is to be served, nobody is asked for anything: the check of a configuration needs no capability.
    [Test]
    public void A_configuration_is_checked_without_the_capability()
    {
        Needs.Root("takes a capability away");
        using var scratch = new Scratch();
        Tool.Run(
            "setpriv", "--bounding-set=-sys_resource", BuiltProgram.Path, "serve", "--mirror", scratch["a.img"],
            scratch["b.img"], "--create", "--size", "1M", "--unix", scratch["nbd.sock"], "--lock-memory",
            "--check-config").MustSucceed();
    }
}
