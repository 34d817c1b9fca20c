using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>A real file system through real clients: what went in lies on each leg and comes out again.</summary>
public sealed class FileSystemImageTests
{
    private const string Size = "700M";

    [TestCase("auto")]
    [TestCase("threads")]
    public void An_ext4_image_goes_in_lies_on_both_legs_and_comes_out(string backend)
    {
        using var volume = new Volume(Size);
        string image = RealTree.MakeImage(volume.Scratch, Size);
        DaemonProcess daemon = volume.Serve("--io-backend", backend);

        Tool.Run("nbdcopy", "--flush", image, volume.Uri).MustSucceed();
        foreach (string leg in volume.Legs)
            Tool.Compare(image, leg);

        string back = volume.Scratch["back.img"];
        Tool.Run("nbdcopy", volume.Uri, back).MustSucceed();
        Tool.Compare(image, back);
        Tool.Run("qemu-img", "compare", "-f", "raw", "-F", "raw", image, volume.Uri).MustSucceed();
        Tool.Run("qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", image, volume.Uri).MustSucceed();

        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        foreach (string leg in volume.Legs)
        {
            Tool.Compare(image, leg);
            Tool.Run("e2fsck", "-fn", leg).MustSucceed();
        }
    }

    [Test]
    public void Legs_opened_past_the_page_cache_hold_the_same()
    {
        using var volume = new Volume("64M");
        string image = volume.Scratch["random.img"];
        byte[] bytes = new byte[64 << 20];
        new Random(1).NextBytes(bytes);
        File.WriteAllBytes(image, bytes);
        DaemonProcess daemon = volume.Serve("--direct");
        Tool.Run("nbdcopy", "--flush", image, volume.Uri).MustSucceed();
        Tool.Run("qemu-img", "compare", "-f", "raw", "-F", "raw", image, volume.Uri).MustSucceed();
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        foreach (string leg in volume.Legs)
            Tool.Compare(image, leg);
    }
}
