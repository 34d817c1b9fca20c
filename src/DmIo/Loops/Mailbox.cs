namespace DmIo;

/// <summary>
/// Messages from any thread to one loop: a lock-free stack that the loop takes as a whole and turns around. A poster
/// learns whether the loop sleeps and must be woken, so a busy loop costs its posters no system call.
/// </summary>
internal sealed class Mailbox
{
    private LoopWork? _top;
    private int _sleeping;

    public bool HasMail => Volatile.Read(ref _top) is not null;

    /// <returns>True when the loop sleeps and the poster must wake it.</returns>
    public bool Post(LoopWork work)
    {
        LoopWork? top = Volatile.Read(ref _top);
        while (true)
        {
            work.NextWork = top;
            LoopWork? seen = Interlocked.CompareExchange(ref _top, work, top);
            if (seen == top)
                break;
            top = seen;
        }
        return Volatile.Read(ref _sleeping) == 1 && Interlocked.Exchange(ref _sleeping, 0) == 1;
    }

    /// <summary>Puts everything posted on the loop's ready list, in the order of posting.</summary>
    public void TakeAll(IoLoop loop)
    {
        if (!HasMail)
            return;
        LoopWork? work = Interlocked.Exchange(ref _top, null);
        LoopWork? reversed = null;
        while (work is not null)
        {
            LoopWork? next = work.NextWork;
            work.NextWork = reversed;
            reversed = work;
            work = next;
        }
        while (reversed is not null)
        {
            LoopWork? next = reversed.NextWork;
            loop.Ready(reversed);
            reversed = next;
        }
    }

    /// <summary>Announces that the loop is about to wait.</summary>
    /// <returns>False when something was posted meanwhile and the loop must not wait.</returns>
    public bool TrySleep()
    {
        Interlocked.Exchange(ref _sleeping, 1);
        if (!HasMail)
            return true;
        Volatile.Write(ref _sleeping, 0);
        return false;
    }

    public void Awake() => Volatile.Write(ref _sleeping, 0);
}
