namespace DmIo;

/// <summary>Runs continuations of cold, asynchronous code on the loop that started it.</summary>
internal sealed class LoopSynchronizationContext(IoLoop loop) : SynchronizationContext
{
    public override void Post(SendOrPostCallback d, object? state) => loop.Post(new Continuation(this, d, state));

    public override void Send(SendOrPostCallback d, object? state)
    {
        if (!loop.IsCurrent)
            throw new NotSupportedException("A loop is never waited for: post to it.");
        d(state);
    }

    public override SynchronizationContext CreateCopy() => this;

    private sealed class Continuation(SynchronizationContext context, SendOrPostCallback callback, object? state)
        : LoopWork
    {
        protected internal override void Run()
        {
            SynchronizationContext? outer = Current;
            SetSynchronizationContext(context);
            try
            {
                callback(state);
            }
            finally
            {
                SetSynchronizationContext(outer);
            }
        }
    }
}
