using System.Threading.Channels;

namespace DmIo.Daemon.Hosting;

/// <summary>Requests to read the configuration again. Those that come before one was looked at are the same one.</summary>
internal sealed class ReloadRequests
{
    private readonly Channel<bool> _asked = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Asks, also before anybody listens.</summary>
    public void Ask() => _asked.Writer.TryWrite(true);

    /// <summary>Waits until somebody has asked.</summary>
    public async Task WaitAsync(CancellationToken cancellation) => await _asked.Reader.ReadAsync(cancellation);
}
