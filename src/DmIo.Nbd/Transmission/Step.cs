namespace DmIo.Nbd.Transmission;

/// <summary>A method as an item for a loop's lists; asking for it twice before it ran makes it run once.</summary>
internal sealed class Step(Action method) : LoopWork
{
    private bool _due;

    /// <summary>Runs the method from the ready list. Only on the loop.</summary>
    public void Ready(IoLoop loop)
    {
        if (_due)
            return;
        _due = true;
        loop.Ready(this);
    }

    /// <summary>Runs the method when the batch is done. Only on the loop.</summary>
    public void AtBatchEnd(IoLoop loop)
    {
        if (_due)
            return;
        _due = true;
        loop.AtBatchEnd(this);
    }

    protected override void Run()
    {
        _due = false;
        method();
    }
}
