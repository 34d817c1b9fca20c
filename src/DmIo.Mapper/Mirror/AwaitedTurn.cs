namespace DmIo.Mapper;

/// <summary>A place in the order of changes that cold code awaits: recovery, repair.</summary>
internal sealed class AwaitedTurn : Turn
{
    private readonly TaskCompletionSource _granted = new();

    public Task EnterAsync(Turns turns, Sectors start, Sectors count) =>
        turns.TryEnter(this, start, count) ? Task.CompletedTask : _granted.Task;

    protected override void Granted() => _granted.SetResult();
}
