using DmIo.Nbd.Negotiation;
using DmIo.Nbd.Transmission;

namespace DmIo.Nbd;

/// <summary>How a server stops.</summary>
public sealed partial class NbdServer
{
    private async ValueTask StopOnLoopAsync(TimeSpan bound)
    {
        _isStopping = true;
        foreach (NbdListener listener in _listeners)
            listener.Close();
        foreach (Handshake handshake in _handshakes.Keys)
            handshake.IsStopping = true;
        foreach (NbdConnection connection in _connections)
            connection.PostLeave();
        if (!await WaitUntilAsync(() => _connections.Count == 0, bound))
        {
            _logger.StopWasForced(_connections.Count);
            foreach (NbdConnection connection in _connections)
                connection.PostKill();
        }
        foreach ((HandshakeChannel channel, _) in _handshakes.Values)
            channel.Abort(EndReason.Stopped);
        if (!await WaitUntilAsync(() => _connections.Count == 0 && _handshakes.Count == 0, s_afterForce))
            return; // Requests that a device still holds keep their buffers.
        foreach ((KernelLoop loop, LoopMemory memory) in _memories)
        {
            await loop.InvokeAsync(() =>
            {
                memory.Dispose();
                return ValueTask.CompletedTask;
            });
        }
        _memories.Clear();
    }

    private async ValueTask<bool> WaitUntilAsync(Func<bool> condition, TimeSpan bound)
    {
        long start = _loop.Time.GetTimestamp();
        while (!condition())
        {
            TimeSpan left = bound - _loop.Time.GetElapsedTime(start);
            if (left <= TimeSpan.Zero)
                return false;
            // Others may wait for the same change.
            if (_changed.Task.IsCompleted)
                _changed = new TaskCompletionSource();
            try
            {
                await _changed.Task.WaitAsync(left, _loop.Time);
            }
            catch (TimeoutException)
            {
                return condition();
            }
        }
        return true;
    }
}
