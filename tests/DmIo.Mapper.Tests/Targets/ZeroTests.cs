using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class ZeroTests
{
    // Goal: reads are zeroes whatever was in the buffer, and nothing that changes data fails or has an effect.
    [Test]
    public void Reads_zeroes_and_drops_writes()
    {
        MirrorRig rig = new MirrorRig { TableText = "0 100 zero" }.Start();
        Assert.That(rig.Write(8), Is.EqualTo(Errno.None));
        TestBuffer buffer = TestBuffer.Random(new(8), 1);
        Assert.That(rig.Do(TestRequest.Read(new(8), buffer)), Is.EqualTo(Errno.None));
        Assert.That(buffer.Span.ContainsAnyExcept((byte)0), Is.False);
        Assert.That(rig.Do(TestRequest.Discard(new(0), new(100))), Is.EqualTo(Errno.None));
        Assert.That(rig.Do(TestRequest.WriteZeroes(new(0), new(100))), Is.EqualTo(Errno.None));
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.None));
        Assert.That(rig.Status, Is.EqualTo("0 100 zero"));
        Assert.That(rig.Device.TableLine(), Is.EqualTo("0 100 zero"));
    }

    // Goal: whoever copies the device need not read it.
    [Test]
    public void Is_one_hole()
    {
        MirrorRig rig = new MirrorRig { TableText = "0 100 zero" }.Start();
        Assert.That(
            rig.Loop.Run(() => rig.Device.ReadExtentsAsync(new(10), new(20))),
            Is.EqualTo([new BlockExtent(new(10), new(20), ExtentKind.Hole)]));
    }
}
