using System.CommandLine;
using DmIo.Daemon.Configuration;
using DmIo.Daemon.Hosting;
using DmIo.Daemon.Verbs;

namespace DmIo.Daemon.CommandLine;

/// <summary>The command line: what can be said, and what is done about it.</summary>
internal static class Cli
{
    public static async Task<int> RunAsync(string[] arguments)
    {
        var options = new ServeOptions();
        var serve = new Command(
            "serve", "Serve volumes until SIGTERM; with no options, a mirror of two files of the user's own");
        var root = new RootCommand("Serves stacks of mapped devices over NBD: mirrors of files and disks above all.")
        {
            serve,
        };
        foreach (Option option in options.All)
        {
            root.Add(option);
            serve.Add(option);
        }
        foreach (Command verb in new VerbCommands().All)
            root.Add(verb);
        root.SetAction((result, cancellation) => ServeAsync(result, options));
        serve.SetAction((result, cancellation) => ServeAsync(result, options));

        // A bundled -abc means nothing here, and an @ in a path is part of the path.
        var parsing = new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null };
        ParseResult parsed = root.Parse(arguments, parsing);
        string[] errors = UsageErrors.Of(parsed, serve);
        if (errors.Length > 0)
        {
            foreach (string message in errors)
                await Console.Error.WriteLineAsync($"dmio-nbd: {message}");
            await Console.Error.WriteLineAsync($"dmio-nbd: see {UsageErrors.HelpFor(parsed)}");
            return ExitCode.Usage;
        }
        // The host handles signals itself, and what is not expected shall show where it came from.
        return await parsed.InvokeAsync(new InvocationConfiguration
        {
            ProcessTerminationTimeout = null,
            EnableDefaultExceptionHandler = false,
        });
    }

    private static async Task<int> ServeAsync(ParseResult parsed, ServeOptions options)
    {
        var mistakes = new Mistakes();
        var passed = PassedSockets.Take();
        ServeConfiguration? configuration = Read(parsed, options, passed, mistakes);
        CheckedConfiguration? @checked = configuration is null ? null : ConfigurationCheck.Run(configuration, mistakes);
        if (mistakes.Count > 0 || @checked is null)
        {
            mistakes.WriteTo(Console.Error);
            return ExitCode.Usage;
        }
        if (parsed.GetValue(options.CheckConfig))
        {
            if (configuration is { Listeners: [], OverStdio: false, Command: null })
                await Console.Error.WriteLineAsync("dmio-nbd: there is no listener: sockets must be passed at the start");
            await Console.Error.WriteLineAsync("dmio-nbd: no mistakes found");
            return ExitCode.Success;
        }
        if (@checked.Source.LockMemory && LockedMemory.Take(passed.Descriptors) is { } reason)
        {
            await Console.Error.WriteLineAsync($"dmio-nbd: --lock-memory: {reason}");
            return ExitCode.Failure;
        }
        return await DaemonHost.RunAsync(@checked, new ReloadSource(
            parsed.GetValue(options.Config), again => ReadAgain(parsed, options, passed, again)));
    }

    // What the options say of one start has been answered.
    private static ServeConfiguration? ReadAgain(
        ParseResult parsed, ServeOptions options, PassedSockets passed, Mistakes mistakes) =>
        ConfigurationFile.Read(parsed.GetValue(options.Config)!, mistakes) is { } configuration
            ? new ArgumentsReader(parsed, options, passed, mistakes).OverrideAgain(configuration) : null;

    private static ServeConfiguration? Read(
        ParseResult parsed, ServeOptions options, PassedSockets passed, Mistakes mistakes)
    {
        var reader = new ArgumentsReader(parsed, options, passed, mistakes);
        if (parsed.GetValue(options.Config) is not { } file)
            return reader.Read();
        foreach (Option option in options.OfVolume.Except(options.OfOneStart))
        {
            if (parsed.GetResult(option) is { Implicit: false })
                mistakes.Add(option.Name, "goes not together with --config; say it in the file");
        }
        ServeConfiguration? configuration = ConfigurationFile.Read(file, mistakes);
        if (configuration is null)
            return null;
        // Whoever checks a file does so before a service manager passes sockets.
        bool mayLack = configuration.Listeners.Count == 0 && parsed.GetValue(options.CheckConfig);
        return reader.Override(mayLack ? configuration with { NeedsListeners = false } : configuration);
    }
}
