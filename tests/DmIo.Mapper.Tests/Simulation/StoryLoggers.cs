using Microsoft.Extensions.Logging;

namespace DmIo.Mapper.Tests;

/// <summary>Tells what the engine logs among the other events, and keeps what it calls a bug.</summary>
internal sealed class StoryLoggers(Story? story) : ILoggerFactory, ILogger
{
    private const int BugId = 2015;

    /// <summary>The first internal error that was logged.</summary>
    public string? Bug { get; private set; }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => story is not null || logLevel >= LogLevel.Error;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        story?.Add(formatter(state, exception));
        if (eventId.Id == BugId)
            Bug ??= $"{formatter(state, exception)} {exception}";
    }

    public void Dispose()
    {
    }
}
