using System.CommandLine;
using System.CommandLine.Parsing;
using DmIo.Daemon.Configuration;

namespace DmIo.Daemon.CommandLine;

/// <summary>What is wrong with a command line.</summary>
internal static class UsageErrors
{
    /// <summary>A sentence for each mistake.</summary>
    public static string[] Of(ParseResult parsed, Command serve)
    {
        Command command = parsed.CommandResult.Command;
        return parsed.Errors.Count > 0 && command != parsed.RootCommandResult.Command && command.Subcommands.Count > 0
            ? [WithoutVerb(command, parsed.UnmatchedTokens)]
            : [.. parsed.Errors.Select(e => e.Message).Distinct(), .. InFrontOf(parsed, serve)];
    }

    /// <summary>The command that explains the one that was meant.</summary>
    public static string HelpFor(ParseResult parsed)
    {
        string words = "--help";
        for (SymbolResult? at = parsed.CommandResult; at is CommandResult command && at.Parent is not null; at = at.Parent)
            words = $"{command.Command.Name} {words}";
        return $"dmio-nbd {words}";
    }

    // Of a verb that has verbs of its own.
    private static string WithoutVerb(Command command, IReadOnlyList<string> words)
    {
        string[] known = [.. command.Subcommands.Select(c => c.Name)];
        return words.Count > 0 && !words[0].StartsWith('-')
            ? $"{command.Name}: there is no '{words[0]}'{NearestName.Hint(words[0], known)}"
            : $"{command.Name}: say what to do: {string.Join(", ", known)}";
    }

    // Options in front of a verb: they are serve's, and a verb that knows nothing of them asks another daemon.
    private static IEnumerable<string> InFrontOf(ParseResult parsed, Command serve)
    {
        Command verb = parsed.CommandResult.Command;
        if (verb == serve || parsed.CommandResult == parsed.RootCommandResult)
            return [];
        return parsed.RootCommandResult.Children.OfType<OptionResult>()
            .Where(o => !o.Implicit)
            .Select(o => $"{o.Option.Name} stands in front of '{verb.Name}'; options go behind the verb that they are for");
    }
}
