using DmIo.Mapper;

namespace DmIo.Daemon.Control;

/// <summary>What came of a configuration file that was read again.</summary>
internal sealed class ReloadReport
{
    private readonly Lock _lock = new();

    /// <summary>What is otherwise now.</summary>
    public List<string> Done { get; } = [];

    /// <summary>What could not be had, and why.</summary>
    public List<string> Failed { get; } = [];

    /// <summary>What cannot become as the file says while serving, and what to do about it.</summary>
    public required IReadOnlyList<string> Stays { get; init; }

    /// <summary>Takes a step; what goes wrong with it is no reason against the others.</summary>
    /// <param name="what">What is changed.</param>
    /// <param name="done">How, for people; null when there is nothing to tell of.</param>
    /// <param name="step">The step.</param>
    public async Task TryAsync(string what, string? done, Func<Task> step)
    {
        try
        {
            await step();
            lock (_lock)
            {
                if (done is not null)
                    Done.Add($"{what} {done}");
            }
        }
        catch (Exception e) when (e is ControlException or MapperException or IOException or UnauthorizedAccessException)
        {
            lock (_lock)
                Failed.AddRange(e.Message.Split('\n').Select(line => $"{what}: {line}"));
        }
    }
}
