using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text.Json.Serialization.Metadata;
using DmIo.Daemon.Configuration;
using Spectre.Console;

namespace DmIo.Daemon.Verbs;

/// <summary>What a verb works with: what was said, the daemon, and where the answer goes.</summary>
internal sealed class VerbContext(ParseResult parsed, VerbOptions options) : IDisposable
{
    private readonly CancellationTokenSource _interrupted = new();
    private ControlClient? _client;
    private PosixSignalRegistration? _signal;

    public ControlClient Client =>
        _client ??= new ControlClient(
            parsed.GetValue(options.Control) is { } path ? Path.GetFullPath(path) : ControlConfiguration.DefaultPath);

    public static TextWriter Out => Console.Out;

    /// <summary>Whether the answer is asked for as JSON.</summary>
    public bool Json => parsed.GetValue(options.Json);

    /// <summary>Whether people look at the answer; otherwise it is lines for other programs.</summary>
    public bool IsForPeople => !Json && !Console.IsOutputRedirected;

    public static IAnsiConsole Terminal => AnsiConsole.Console;

    /// <summary>The process's exit status when nothing is wrong.</summary>
    public int ExitCode { get; set; }

    /// <summary>Ctrl-C, which ends what can be gone on with in good order.</summary>
    public CancellationToken Interrupted
    {
        get
        {
            _signal ??= PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
            {
                signal.Cancel = true;
                _interrupted.Cancel();
            });
            return _interrupted.Token;
        }
    }

    /// <summary>Ctrl-C ends the process again.</summary>
    public void HeedInterruption() => _signal?.Dispose();

    public T? Get<T>(Option<T> option) => parsed.GetValue(option);

    public T? Get<T>(Argument<T> argument) => parsed.GetValue(argument);

    /// <summary>Prints an answer of the daemon's as it is.</summary>
    public async Task PrintJsonAsync(string path) => await Out.WriteLineAsync(await Client.GetTextAsync(path));

    /// <summary>Asks for a change; what the daemon answers to it is printed if JSON is asked for.</summary>
    public async Task DoAsync(HttpMethod method, string path) => await PrintAnswerAsync(await Client.DoAsync(method, path));

    /// <inheritdoc cref="DoAsync(HttpMethod, string)"/>
    public async Task DoAsync<T>(
        HttpMethod method, string path, T body, JsonTypeInfo<T> type, CancellationToken cancellation = default) =>
        await PrintAnswerAsync(await Client.DoAsync(method, path, body, type, cancellation));

    private async Task PrintAnswerAsync(string answer)
    {
        if (Json)
            await Out.WriteLineAsync(answer.Length == 0 ? "{}" : answer);
    }

    public void Dispose()
    {
        _signal?.Dispose();
        _client?.Dispose();
        _interrupted.Dispose();
    }
}
