using DmIo.Testing;

namespace DmIo.Mapper.Tests;

/// <summary>The hot path of the targets makes no garbage (rule 2).</summary>
public sealed class TargetAllocationTests
{
    private const int Requests = 2000;

    // Goal: when the pools are warm, requests allocate nothing, whether they are passed on or done in parts.
    [TestCase("0 1024 linear m0 0", 8)]
    [TestCase("0 1024 striped 2 8 m0 0 m1 0", 8)]
    [TestCase("0 1024 striped 2 8 m0 0 m1 0", 64)]
    [TestCase("0 1024 zero", 8)]
    [TestCase("0 1024 delay m0 0 0", 8)]
    [TestCase("0 1024 flakey m0 0 1 0", 8)]
    [TestCase("0 1024 dust m0 0 512", 8)]
    public void Requests_allocate_nothing(string table, int sectors)
    {
        MirrorRig rig = Rig(table);
        var buffer = new TestBuffer(sectors * 512);
        TestRequest[] requests =
        [
            TestRequest.Write(new(0), buffer), TestRequest.Read(new(0), buffer), TestRequest.Flush(),
            TestRequest.Discard(new(0), new(sectors)),
        ];
        Run(rig, requests);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run(rig, requests);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    private static void Run(MirrorRig rig, TestRequest[] requests)
    {
        for (int i = 0; i < Requests; i++)
        {
            foreach (TestRequest request in requests)
                rig.Device.Submit(request);
            rig.Loop.RunUntilIdle();
        }
    }

    private static MirrorRig Rig(string table)
    {
        var rig = new MirrorRig { TableText = table };
        rig.AddDevice("m0", new MemoryDevice(rig.Loop, "m0", new(1024)));
        rig.AddDevice("m1", new MemoryDevice(rig.Loop, "m1", new(1024)));
        return rig.Start();
    }
}
