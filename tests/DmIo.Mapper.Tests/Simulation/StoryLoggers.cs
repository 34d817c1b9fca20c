using Microsoft.Extensions.Logging;

namespace DmIo.Mapper.Tests;

/// <summary>Tells what the engine logs among the other events, and keeps what it calls a bug.</summary>
internal sealed class StoryLoggers(Story? story) : ILoggerFactory, ILogger
{
    private const int BugId = 2015;

    /// <summary>How often each kind of line was logged.</summary>
    public Dictionary<string, long> Told { get; } = [];

    /// <summary>The first internal error that was logged.</summary>
    public string? Bug { get; private set; }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    // Each line is counted; its text is made for a story alone.
    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        story?.Add(formatter(state, exception));
        Told[eventId.Name!] = Told.GetValueOrDefault(eventId.Name!) + 1;
        if (eventId.Id == BugId)
            Bug ??= $"{formatter(state, exception)} {exception}";
    }

    public void Dispose()
    {
    }
}
