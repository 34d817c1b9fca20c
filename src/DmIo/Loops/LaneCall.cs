namespace DmIo;

/// <summary>One function on a lane, for cold paths.</summary>
internal sealed class LaneCall<T>(Func<T> function) : LaneWork
{
    private readonly TaskCompletionSource<T> _source = new();
    private T? _result;
    private Exception? _failure;

    public Task<T> Task => _source.Task;

    protected internal override void Execute()
    {
        try
        {
            _result = function();
        }
#pragma warning disable CA1031 // Whatever the function threw belongs to the one who awaits the task.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _failure = e;
        }
    }

    protected internal override void Run()
    {
        if (_failure is null)
            _source.SetResult(_result!);
        else
            _source.SetException(_failure);
    }
}
