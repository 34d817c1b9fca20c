using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace DmIo.Nbd.Tests;

/// <summary>Keeps what the server logs.</summary>
internal sealed class RecordingLoggers : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<(int Id, LogLevel Level, string Text)> _lines = new();

    public IReadOnlyCollection<(int Id, LogLevel Level, string Text)> Lines => _lines;

    /// <summary>Waits for a line with an event id.</summary>
    public string WaitFor(int id)
    {
        Assert.That(() => _lines.Any(l => l.Id == id), Is.True.After(5000, 5), $"a log line with id {id}");
        return _lines.First(l => l.Id == id).Text;
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue((eventId.Id, logLevel, formatter(state, exception) + exception));

    public void Dispose()
    {
    }
}
