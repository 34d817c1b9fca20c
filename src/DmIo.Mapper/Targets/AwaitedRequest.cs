namespace DmIo.Mapper;

/// <summary>A request that cold code awaits.</summary>
internal sealed class AwaitedRequest : BlockRequest
{
    private readonly TaskCompletionSource<Errno> _source = new();

    public Task<Errno> Task => _source.Task;

    protected override void Completed() => _source.SetResult(Error);
}
