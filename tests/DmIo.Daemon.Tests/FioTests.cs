using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>fio writes at random through several connections and verifies each block's checksum.</summary>
public sealed class FioTests
{
    private const int Connections = 4;

    [TestCase("512", "4M")]
    [TestCase("4k", "16M")]
    [TestCase("64k", "32M")]
    [TestCase("512-64k", "16M")]
    public void Every_block_reads_back_with_its_checksum_and_the_legs_are_equal(string blockSize, string sizePerJob)
    {
        using var volume = new Volume("128M");
        DaemonProcess daemon = volume.Serve();
        bool range = blockSize.Contains('-', StringComparison.Ordinal);
        Tool.Run(
            "fio", "--name=verify", "--ioengine=nbd", $"--uri={volume.Uri}", "--rw=randwrite",
            range ? $"--bsrange={blockSize}" : $"--bs={blockSize}", "--bs_unaligned=0", "--iodepth=32",
            $"--numjobs={Connections}", $"--size={sizePerJob}", $"--offset_increment={sizePerJob}", "--verify=crc32c",
            "--verify_fatal=1", "--do_verify=1", "--end_fsync=1", "--randseed=4711", "--thread", "--group_reporting")
            .MustSucceed();
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        volume.CompareLegs();
    }
}
