namespace DmIo.Mapper.Tests;

/// <summary>A state file in memory that outlives its mirror, can be held before it is durable, and can fail.</summary>
internal sealed class MemoryStore(string location) : IStateStore
{
    private readonly Queue<(TaskCompletionSource<Errno> Done, string Text)> _held = new();

    public string Location => location;

    /// <summary>What is durable.</summary>
    public string? Text { get; set; }

    /// <summary>How often it became durable.</summary>
    public int Saves { get; private set; }

    /// <summary>Whether a replacement waits for <see cref="ReleaseFirst"/>.</summary>
    public bool Holds { get; set; }

    /// <summary>What replacements fail with.</summary>
    public Errno Error { get; set; }

    public int Held => _held.Count;

    public MirrorState State => MirrorStateJson.Read(Text!, "test", location);

    public Task<string?> ReadAsync() => Task.FromResult(Text);

    public Task<Errno> ReplaceAsync(string contents)
    {
        if (!Holds)
            return Task.FromResult(Replace(contents));
        var done = new TaskCompletionSource<Errno>();
        _held.Enqueue((done, contents));
        return done.Task;
    }

    public void ReleaseFirst()
    {
        (TaskCompletionSource<Errno> done, string text) = _held.Dequeue();
        done.SetResult(Replace(text));
    }

    /// <summary>What was not durable yet never will be; whoever has this one waits for it.</summary>
    /// <returns>The store that the next start finds.</returns>
    public MemoryStore Crash()
    {
        Holds = true;
        return new MemoryStore(location) { Text = Text, Saves = Saves };
    }

    public void Dispose()
    {
    }

    private Errno Replace(string contents)
    {
        if (Error != Errno.None)
            return Error;
        Text = contents;
        Saves++;
        return Errno.None;
    }
}
