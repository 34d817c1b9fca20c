using DmIo.Daemon.CommandLine;
using DmIo.Daemon.Configuration;

namespace DmIo.Daemon.Hosting;

/// <summary>One client on standard input: a socket, or a pipe whose answers go to standard output.</summary>
internal sealed class StdioErrand : IErrand
{
    private readonly int _client;
    private readonly PipeRelay? _relay;

    /// <summary>Takes standard input and output away from everyone else in the process.</summary>
    /// <exception cref="StartException">They are nothing that a client could be at.</exception>
    public StdioErrand()
    {
        if (DescriptorCalls.IsSocket(DescriptorCalls.StandardInput))
        {
            _client = DescriptorCalls.TakeAway(DescriptorCalls.StandardInput);
            // It may be the same socket: the client sees the end only when nobody has it any more.
            DescriptorCalls.LeadNowhere(DescriptorCalls.StandardOutput);
        }
        else if (DescriptorCalls.IsPipe(DescriptorCalls.StandardInput) && DescriptorCalls.IsPipe(DescriptorCalls.StandardOutput))
        {
            (_client, int end) = DescriptorCalls.MakePair();
            _relay = new PipeRelay(
                DescriptorCalls.TakeAway(DescriptorCalls.StandardInput),
                DescriptorCalls.TakeAway(DescriptorCalls.StandardOutput), end);
        }
        else
        {
            throw new StartException(
                ExitCode.Usage,
                "--stdio: standard input is no socket, nor are standard input and output pipes: no client is there; let one "
                + "start the daemon, such as nbdsh -c 'h.connect_command([\"dmio-nbd\", \"serve\", ..., \"--stdio\"])'");
        }
    }

    public string Option => "--stdio";

    public CheckedConfiguration Prepare(CheckedConfiguration configuration) => configuration;

    public async Task<int> RunAsync(RunningVolumes volumes)
    {
        _relay?.Start();
        await volumes.Server.ServeAsync(_client, _relay is null ? null : "stdio");
        if (_relay is not null)
            await _relay.AllIsWritten;
        return ExitCode.Success;
    }

    // The server lets it go as every other client.
    public Task EndAsync() => Task.CompletedTask;

    public void Kill() => _relay?.GiveUp();

    public void Dispose()
    {
    }
}
