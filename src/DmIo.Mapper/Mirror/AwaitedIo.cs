namespace DmIo.Mapper;

/// <summary>A dm-io request that cold code awaits.</summary>
internal sealed class AwaitedIo : IoRequest
{
    private readonly TaskCompletionSource<IoOutcome> _source = new();

    /// <summary>Submits the request.</summary>
    /// <exception cref="InvalidOperationException">It was refused: a bug of the maker.</exception>
    public Task<IoOutcome> RunAsync(IoClient client)
    {
        Errno refused = client.Submit(this);
        if (refused != Errno.None)
            throw new InvalidOperationException($"dm-io refused a request of the mirror's own: {refused}.");
        return _source.Task;
    }

    protected override void Notify(in IoOutcome outcome) => _source.SetResult(outcome);
}
