using DmIo.Testing;

namespace DmIo.Tests;

internal sealed class SyncGroupTests
{
    private TestDirectory _disk = null!;
    private ManualLoop _loop = null!;
    private BlockFile _file = null!;
    private SyncGroup _group = null!;

    [SetUp]
    public void SetUp()
    {
        _disk = TestDirectory.OnDisk();
        _loop = new ManualLoop { HoldLanes = true };
        _file = new BlockFile(new FileDeviceOptions { Path = _disk.Sparse("leg", new Sectors(64)) });
        _group = new SyncGroup(_loop, _file, null);
    }

    [TearDown]
    public void TearDown()
    {
        _group.Dispose();
        _file.Dispose();
        _disk.Dispose();
    }

    [Test]
    public void One_sync_serves_everyone_who_came_in_the_batch()
    {
        // Ten flushes of one batch cost one sync.
        TestRequest[] requests = [.. Enumerable.Range(0, 10).Select(_ => Join())];
        _loop.RunUntilIdle();
        Assert.That(_loop.Lanes.Single().Queued, Is.EqualTo(1));
        Assert.That(requests.Select(r => r.Completions), Is.All.Zero);
        Sync();
        Assert.That(requests.Select(r => (r.Completions, r.Error)), Is.All.EqualTo((1, Errno.None)));
        Assert.That(_loop.Lanes.Single().Executed, Is.EqualTo(1));
    }

    [Test]
    public void Whoever_comes_after_the_start_waits_for_the_next()
    {
        // A sync covers what joined before it started and nothing later: its data may have come later too.
        TestRequest early = Join();
        _loop.RunUntilIdle();
        TestRequest late = Join();
        _loop.RunUntilIdle();
        Assert.That(_loop.Lanes.Single().Queued, Is.EqualTo(1), "two syncs at once");
        Sync();
        Assert.That((early.Completions, late.Completions), Is.EqualTo((1, 0)));
        Sync();
        Assert.That(late.Completions, Is.EqualTo(1));
        Assert.That(_loop.Lanes.Single().Executed, Is.EqualTo(2));
    }

    [Test]
    public void A_failed_sync_fails_everyone_it_served_and_nobody_else()
    {
        // The kernel reports a lost write once; all who waited for that sync are told.
        TestRequest first = Join();
        TestRequest second = Join();
        _loop.RunUntilIdle();
        TestRequest later = Join();
        _file.Dispose();
        Sync();
        Assert.That((first.Error, second.Error), Is.EqualTo((Errno.EBADF, Errno.EBADF)));
        Assert.That(later.IsCompleted, Is.False);
        Sync();
        Assert.That(later.Completions, Is.EqualTo(1));
    }

    [Test]
    public void A_completion_may_ask_for_the_next_sync()
    {
        // Whoever flushes again from a completion starts a sync of its own.
        TestRequest request = Join();
        request.OnCompleted = r =>
        {
            if (r.Completions == 1)
                _group.Join(r);
        };
        _loop.RunUntilIdle();
        Sync();
        Sync();
        Assert.That(request.Completions, Is.EqualTo(2));
        Assert.That(_loop.Lanes.Single().Queued, Is.Zero);
    }

    private TestRequest Join()
    {
        TestRequest request = TestRequest.Flush();
        _group.Join(request);
        return request;
    }

    private void Sync()
    {
        Assert.That(_loop.Lanes.Single().ExecuteOne(), Is.True, "no sync was asked for");
        _loop.RunUntilIdle();
    }
}
