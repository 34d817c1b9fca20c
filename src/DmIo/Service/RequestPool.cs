namespace DmIo;

/// <summary>Idle request objects of one kind, for any thread.</summary>
internal sealed class RequestPool<T>
    where T : class, new()
{
    // Arbitrary: what a burst needed beyond this goes to the garbage collector.
    private const int MaxIdle = 256;

    private readonly Lock _lock = new();
    private readonly Stack<T> _idle = new();

    public T Rent()
    {
        lock (_lock)
        {
            if (_idle.TryPop(out T? request))
                return request;
        }
        return new T();
    }

    public void Return(T request)
    {
        lock (_lock)
        {
            if (_idle.Count < MaxIdle)
                _idle.Push(request);
        }
    }
}
