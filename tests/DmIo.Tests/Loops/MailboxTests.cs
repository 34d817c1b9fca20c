using DmIo.Testing;

namespace DmIo.Tests;

internal sealed class MailboxTests
{
    [Test]
    public void Items_run_in_the_order_of_their_posting()
    {
        // The stack is turned around when it is taken, over several takings too.
        var loop = new ManualLoop();
        var mailbox = new Mailbox();
        var seen = new List<int>();
        for (int i = 0; i < 10; i++)
        {
            mailbox.Post(new Item(seen, i));
            if (i % 4 == 3)
                mailbox.TakeAll(loop);
        }
        mailbox.TakeAll(loop);
        loop.RunUntilIdle();
        Assert.That(seen, Is.EqualTo(Enumerable.Range(0, 10)));
    }

    [Test]
    public void The_first_poster_wakes_a_sleeping_loop_and_no_other_does()
    {
        // A busy loop costs its posters no system call, and a sleeping one exactly one.
        var mailbox = new Mailbox();
        var seen = new List<int>();
        Assert.That(mailbox.Post(new Item(seen, 0)), Is.False, "awake");
        Assert.That(mailbox.TrySleep(), Is.False, "there is mail");
        mailbox.TakeAll(new ManualLoop());
        Assert.That(mailbox.TrySleep(), Is.True);
        Assert.That(mailbox.Post(new Item(seen, 1)), Is.True, "asleep");
        Assert.That(mailbox.Post(new Item(seen, 2)), Is.False, "woken already");
    }

    [Test]
    public void Nothing_is_lost_between_many_posters_and_a_loop_that_sleeps()
    {
        // Every item of every thread runs once, each thread's in its order.
        const int Threads = 4;
        const int Each = 20_000;
        using KernelLoop loop = KernelLoop.Open("mailbox test", LoopBackend.Threads, out _);
        loop.Start();
        List<int>[] seen = [.. Enumerable.Range(0, Threads).Select(_ => new List<int>())];
        using var done = new CountdownEvent(Threads * Each);
        Parallel.For(0, Threads, thread =>
        {
            for (int i = 0; i < Each; i++)
                loop.Post(new Item(seen[thread], i, done));
        });
        Assert.That(done.Wait(TimeSpan.FromSeconds(60)), Is.True);
        foreach (List<int> ofThread in seen)
            Assert.That(ofThread, Is.EqualTo(Enumerable.Range(0, Each)));
    }

    [Test]
    public void A_work_list_keeps_its_order_when_items_leave_the_middle()
    {
        // Removal from the head, the middle and the tail, then appending: the links hold.
        var list = default(WorkList);
        Item[] items = [.. Enumerable.Range(0, 5).Select(i => new Item([], i))];
        foreach (Item item in items)
            list.Append(item);
        foreach (int i in new[] { 2, 0, 4 })
            Assert.That(list.Remove(items[i]), Is.True);
        Assert.That(list.Remove(items[2]), Is.False);
        list.Append(items[4]);
        Assert.That(
            new[] { list.TakeFirst(), list.TakeFirst(), list.TakeFirst(), list.TakeFirst() },
            Is.EqualTo(new[] { items[1], items[3], items[4], null }));
        Assert.That(list.IsEmpty, Is.True);
    }

    private sealed class Item(List<int> seen, int number, CountdownEvent? done = null) : LoopWork
    {
        protected internal override void Run()
        {
            seen.Add(number);
            done?.Signal();
        }
    }
}
