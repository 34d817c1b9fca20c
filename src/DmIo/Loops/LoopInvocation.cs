namespace DmIo;

/// <summary>An asynchronous function that is started on a loop and reports to a task elsewhere.</summary>
internal sealed class LoopInvocation<T>(IoLoop loop, Func<ValueTask<T>> action) : LoopWork
{
    private readonly TaskCompletionSource<T> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<T> Task => _source.Task;

    protected internal override void Run()
    {
        SynchronizationContext? outer = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(loop.SynchronizationContext);
        try
        {
            _ = RunAsync();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    private async Task RunAsync()
    {
        try
        {
            _source.SetResult(await action());
        }
        catch (OperationCanceledException e)
        {
            _source.SetCanceled(e.CancellationToken);
        }
#pragma warning disable CA1031 // Whatever the function threw belongs to the caller that awaits the task.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _source.SetException(e);
        }
    }
}
