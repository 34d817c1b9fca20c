using System.CommandLine;
using DmIo.Daemon.CommandLine;
using DmIo.Daemon.Configuration;

namespace DmIo.Daemon.Verbs;

/// <summary>The options that all verbs have.</summary>
internal sealed class VerbOptions
{
    public Option<string> Control { get; } =
        ServeOptions.Text(
            "--control", "PATH", $"The control socket of the daemon that is meant [default: {ControlConfiguration.DefaultPath}]");

    public Option<bool> Json { get; } = ServeOptions.Flag("--json", "Answer in JSON");
}
