using System.CommandLine;
using DmIo.Daemon.CommandLine;

namespace DmIo.Daemon.Verbs;

/// <summary>The commands that speak to a running daemon, and those that work without one.</summary>
internal sealed class VerbCommands
{
    private readonly VerbOptions _options = new();

    /// <summary>All of them, in the order in which the help shows them.</summary>
    public IReadOnlyList<Command> All =>
    [
        .. SeeingVerbs.Commands(this), .. WaitingVerbs.Commands(this), .. DeviceVerbs.Commands(this),
        .. ScrubVerbs.Commands(this), LegVerbs.Command(this), ExportVerbs.Command(this),
        ReplayVerb.Command(this),
    ];

    public static Argument<string> Volume { get; } = new("VOL") { Description = "A mapped device's name" };

    public static Argument<string?> AnyVolume { get; } = new("VOL")
    {
        Description = "A mapped device's name [default: all of them]",
        Arity = ArgumentArity.ZeroOrOne,
    };

    /// <summary>A command with the options that all have.</summary>
    public Command Make(string name, string description, IEnumerable<Symbol> symbols, Func<VerbContext, Task> run)
    {
        Command command = MakeAlone(name, description, symbols, run);
        command.Add(_options.Control);
        return command;
    }

    /// <summary>A command that needs no daemon.</summary>
    public Command MakeAlone(string name, string description, IEnumerable<Symbol> symbols, Func<VerbContext, Task> run)
    {
        var command = new Command(name, description);
        foreach (Symbol symbol in symbols)
        {
            if (symbol is Argument argument)
                command.Add(argument);
            else
                command.Add((Option)symbol);
        }
        command.Add(_options.Json);
        command.SetAction((parsed, cancellation) => RunAsync(parsed, run));
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, Func<VerbContext, Task> run)
    {
        using var context = new VerbContext(parsed, _options);
        try
        {
            await run(context);
            return context.ExitCode;
        }
        catch (OperationCanceledException) when (context.Interrupted.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("dmio-nbd: interrupted; run it again to go on");
            return ExitCode.Failure;
        }
        catch (VerbException e)
        {
            foreach (string sentence in e.Message.Split('\n'))
                await Console.Error.WriteLineAsync($"dmio-nbd: {sentence}");
            return e.ExitCode;
        }
    }
}
