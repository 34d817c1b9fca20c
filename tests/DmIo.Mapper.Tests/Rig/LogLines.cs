using Microsoft.Extensions.Logging;

namespace DmIo.Mapper.Tests;

/// <summary>Collects what is logged.</summary>
internal sealed class LogLines : ILoggerFactory, ILogger
{
    public List<(int Id, LogLevel Level, string Text)> Lines { get; } = [];

    public IEnumerable<string> Of(int id) => Lines.Where(line => line.Id == id).Select(line => line.Text);

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
        Lines.Add((eventId.Id, logLevel, formatter(state, exception) + exception));

    public void Dispose()
    {
    }
}
