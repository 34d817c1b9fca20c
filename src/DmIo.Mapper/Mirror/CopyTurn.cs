namespace DmIo.Mapper;

/// <summary>The copy's place in the order of changes, awaited.</summary>
internal sealed class CopyTurn : Turn
{
    private readonly TaskCompletionSource _granted = new();

    public Task EnterAsync(Turns turns, Sectors start, Sectors count) =>
        turns.TryEnter(this, start, count) ? Task.CompletedTask : _granted.Task;

    protected override void Granted() => _granted.SetResult();
}
