using DmIo.Testing;

namespace DmIo.Tests;

internal sealed class TurnsTests
{
    [Test]
    public void Overlapping_turns_wait_for_one_another_and_others_do_not()
    {
        // Neighbours that only touch go at once; an overlap by one sector waits.
        var loop = new ManualLoop();
        var turns = new Turns(loop);
        var first = new Named();
        var touching = new Named();
        var overlapping = new Named();
        Assert.That(turns.TryEnter(first, new Sectors(8), new Sectors(8)), Is.True);
        Assert.That(turns.TryEnter(touching, new Sectors(16), new Sectors(8)), Is.True);
        var before = new Named();
        Assert.That(turns.TryEnter(before, Sectors.Zero, new Sectors(8)), Is.True);
        turns.Leave(before);
        Assert.That(turns.TryEnter(overlapping, new Sectors(15), new Sectors(2)), Is.False);
        Assert.That(turns.Count, Is.EqualTo(3));
        turns.Leave(first);
        loop.RunUntilIdle();
        Assert.That(overlapping.Grants, Is.Zero);
        turns.Leave(touching);
        Assert.That(overlapping.Grants, Is.Zero, "granted inside Leave");
        loop.RunUntilIdle();
        Assert.That(overlapping.Grants, Is.EqualTo(1));
        turns.Leave(overlapping);
        Assert.That(turns.Count, Is.Zero);
    }

    [Test]
    public void Whoever_comes_later_does_not_overtake_one_who_waits()
    {
        // A turn that overlaps a waiting one waits behind it, though the range it wants is free now.
        var loop = new ManualLoop();
        var turns = new Turns(loop);
        var holder = new Named();
        var waiter = new Named();
        var late = new Named();
        turns.TryEnter(holder, Sectors.Zero, new Sectors(8));
        Assert.That(turns.TryEnter(waiter, Sectors.Zero, new Sectors(64)), Is.False);
        Assert.That(turns.TryEnter(late, new Sectors(32), new Sectors(8)), Is.False);
        turns.Leave(holder);
        loop.RunUntilIdle();
        Assert.That((waiter.Grants, late.Grants), Is.EqualTo((1, 0)));
        turns.Leave(waiter);
        loop.RunUntilIdle();
        Assert.That(late.Grants, Is.EqualTo(1));
    }

    [Test]
    public void Turns_are_granted_in_order_and_never_two_at_once_on_a_sector()
    {
        // A model check with random ranges and random leaving: each sector sees its turns in the order of their asking,
        // one at a time, and at the end everyone had a turn. The seed replays it.
        int seed = Environment.TickCount;
        TestContext.Out.WriteLine($"seed {seed}");
        for (int round = 0; round < 50; round++)
            Run(new Random(seed + round), $"seed {seed} round {round}");
    }

    private static void Run(Random random, string where)
    {
        const int Size = 64;
        var loop = new ManualLoop();
        var turns = new Turns(loop);
        var queues = new Queue<Modelled>[Size];
        for (int i = 0; i < Size; i++)
            queues[i] = new Queue<Modelled>();
        var held = new List<Modelled>();
        int asked = 0;
        int left = 0;
        while (left < 300)
        {
            if (asked < 300 && random.Next(2) == 0)
            {
                int start = random.Next(Size);
                var turn = new Modelled(start, random.Next(1, Math.Min(16, Size - start) + 1), held, queues, where);
                for (int i = turn.First; i < turn.First + turn.Length; i++)
                    queues[i].Enqueue(turn);
                asked++;
                if (turns.TryEnter(turn, new Sectors(turn.First), new Sectors(turn.Length)))
                    turn.Hold();
            }
            else if (held.Count > 0)
            {
                Modelled turn = held[random.Next(held.Count)];
                held.Remove(turn);
                for (int i = turn.First; i < turn.First + turn.Length; i++)
                    Assert.That(queues[i].Dequeue(), Is.SameAs(turn), where);
                turns.Leave(turn);
                left++;
            }
            if (random.Next(3) == 0)
                loop.RunUntilIdle();
        }
        Assert.That(turns.Count, Is.Zero, where);
    }

    private sealed class Named : Turn
    {
        public int Grants { get; private set; }

        protected override void Granted() => Grants++;
    }

    private sealed class Modelled(int first, int length, List<Modelled> held, Queue<Modelled>[] queues, string where) : Turn
    {
        private bool _granted;

        public int First => first;

        public int Length => length;

        public void Hold()
        {
            Assert.That(_granted, Is.False, where);
            _granted = true;
            for (int i = first; i < first + length; i++)
                Assert.That(queues[i].Peek(), Is.SameAs(this), $"{where}: out of order at sector {i}");
            held.Add(this);
        }

        protected override void Granted() => Hold();
    }
}
