namespace DmIo;

/// <summary>
/// The six calls of dm-io.txt with get and put, over the modern core: everyone shares one pool, whose size is what all
/// users together have asked for. An instance stands for what was global in the kernel, so that it has a loop and tests
/// have as many as they like. All members may be used from any thread; the synchronous calls not on the loop's own.
/// </summary>
/// <remarks>
/// Every call returns <see cref="Errno.None"/>, or the refusals of <see cref="IoClient.Submit"/>: then nothing was
/// issued, no callback is called and the error bits are left as the caller preset them. The synchronous calls return EIO
/// once started when a bit is set.
/// </remarks>
public sealed partial class ClassicDmIo : IAsyncDisposable
{
    /// <summary>Contexts for each page that a user announces, as the kernel had it.</summary>
    public const int ContextsPerPage = 4;

    /// <summary>The most pages that all users together may announce. Arbitrary: a million contexts.</summary>
    public const int MaxPages = 1 << 18;

    private readonly IoLoop _loop;
    private readonly Lock _lock = new();
    private readonly List<int> _gets = [];
    private readonly RequestPool<ClassicRequest> _requests = new();
    private int _pages;
    private volatile IoClient? _client;
    private Task _draining = Task.CompletedTask;

    /// <summary>Creates the service on <paramref name="loop"/>; its pool comes with the first <see cref="Get"/>.</summary>
    public ClassicDmIo(IoLoop loop)
    {
        ArgumentNullException.ThrowIfNull(loop);
        _loop = loop;
    }

    /// <summary>How many requests may be under way at once; zero when there is no pool.</summary>
    public int PoolSize => _client?.Capacity ?? 0;

    /// <summary>What the pool has done so far; null when there is none.</summary>
    public IoPoolStatistics? Statistics => _client?.Statistics;

    /// <summary>
    /// Announces a user who will do I/O on <paramref name="pages"/> pages at once (<c>dm_io_get</c>): the pool grows by
    /// <see cref="ContextsPerPage"/> for each. A hint for contexts; no page of data is reserved.
    /// </summary>
    /// <returns><see cref="Errno.None"/>, or ENOMEM beyond <see cref="MaxPages"/>: then nothing has changed.</returns>
    public Errno Get(int pages)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pages, 1);
        lock (_lock)
        {
            if (pages > MaxPages - _pages)
                return Errno.ENOMEM;
            int contexts = (_pages + pages) * ContextsPerPage;
            if (_client is { } client)
                client.Resize(contexts);
            else
                _client = new IoClient(_loop, contexts);
            _pages += pages;
            _gets.Add(pages);
            return Errno.None;
        }
    }

    /// <summary>
    /// Takes back an announcement of as many pages (<c>dm_io_put</c>): the pool shrinks, and with the last one it is
    /// gone. Requests that were accepted before run to their end all the same.
    /// </summary>
    /// <exception cref="InvalidOperationException">No <see cref="Get"/> of as many pages is outstanding.</exception>
    public void Put(int pages)
    {
        lock (_lock)
        {
            if (!_gets.Remove(pages))
                throw new InvalidOperationException($"Put({pages}) matches no outstanding Get({pages}).");
            _pages -= pages;
            if (_pages > 0)
                _client!.Resize(_pages * ContextsPerPage);
            else
                DropPool();
        }
    }

    /// <summary>Takes back what is still announced and waits for the requests that were accepted.</summary>
    public async ValueTask DisposeAsync()
    {
        Task draining;
        lock (_lock)
        {
            _gets.Clear();
            _pages = 0;
            DropPool();
            draining = _draining;
        }
        await draining.ConfigureAwait(false);
    }

    private static InvalidOperationException NoPool() => new("No pool: call Get before any I/O.");

    private IoClient Client() => _client ?? throw NoPool();

    private void DropPool()
    {
        if (_client is not { } client)
            return;
        _client = null;
        _draining = Task.WhenAll(_draining, client.DisposeAsync().AsTask());
    }
}
