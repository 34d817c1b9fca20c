using DmIo.Nbd.Sockets;

namespace DmIo.Nbd;

/// <summary>
/// Which refusals are told: of each reason and peer the first, and one a minute of those that follow, with their number.
/// </summary>
internal sealed class RefusalLog(TimeProvider time)
{
    // Who is refused may try again a thousand times a second; a log is read by people. Arbitrary.
    private static readonly TimeSpan s_pause = TimeSpan.FromMinutes(1);

    // So that many peers fill neither the memory nor the log: beyond these, and one entry for each reason, they are told of
    // together. Arbitrary.
    private const int MostPeers = 64;

    private readonly Dictionary<(string Reason, PeerIdentity Peer), Told> _told = [];

    /// <summary>Whether to tell of a refusal now.</summary>
    /// <param name="reason">What for.</param>
    /// <param name="peer">Who.</param>
    /// <param name="more">How many others were not told of since the last that was.</param>
    public bool IsDue(string reason, PeerIdentity peer, out long more)
    {
        more = 0;
        long now = time.GetTimestamp();
        if (!_told.ContainsKey((reason, peer)) && _told.Count >= MostPeers)
        {
            MakeRoom(now);
            if (_told.Count >= MostPeers)
                peer = default;
        }
        if (!_told.TryGetValue((reason, peer), out Told? told))
        {
            _told.Add((reason, peer), new Told { At = now });
            return true;
        }
        if (time.GetElapsedTime(told.At, now) < s_pause)
        {
            told.Untold++;
            return false;
        }
        (more, told.Untold, told.At) = (told.Untold, 0, now);
        return true;
    }

    // Those who have kept quiet since leave what was not told of them to those that are told of together.
    private void MakeRoom(long now)
    {
        foreach ((var (reason, peer), Told old) in _told.ToArray())
        {
            if (peer == default || time.GetElapsedTime(old.At, now) < s_pause)
                continue;
            _told.Remove((reason, peer));
            if (old.Untold == 0)
                continue;
            if (!_told.TryGetValue((reason, default), out Told? others))
                _told.Add((reason, default), others = new Told { At = old.At });
            others.Untold += old.Untold;
        }
    }

    private sealed class Told
    {
        public long At { get; set; }

        public long Untold { get; set; }
    }
}
