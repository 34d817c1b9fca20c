namespace DmIo.Mapper.Tests;

/// <summary>The rest of a change that was told to have failed, on its way to take effect. Its bytes are its own.</summary>
internal sealed class LateLanding
{
    private readonly SimulatedMedia _media;
    private readonly List<(int Block, byte[]? Data)> _rest = [];
    private readonly long _serial;

    public LateLanding(SimulatedMedia media, long serial)
    {
        _media = media;
        _serial = serial;
    }

    /// <summary>Adds a block that has not taken effect.</summary>
    public void Add(int block, in IoVector data)
    {
        byte[]? bytes = data.LengthBytes == 0 ? null : new byte[data.LengthBytes];
        data.CopyTo(bytes);
        _rest.Add((block, bytes));
    }

    public void Start(TimeProvider time, TimeSpan after)
    {
        _media.LandLater(this);
        time.CreateTimer(static state => ((LateLanding)state!).Due(), this, after, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The disk loses sight of it: any part of it happens now, and nothing later.</summary>
    public void LandPartly()
    {
        double share = SimulatedMedia.DrawShare(_media.Random);
        Land(share);
    }

    private void Due()
    {
        // Otherwise a life ended or the disk went meanwhile.
        if (_media.Landed(this))
            Land(1);
    }

    private unsafe void Land(double share)
    {
        _media.Coverage.Count(DiskEvent.LandedAfterError);
        foreach ((int block, byte[]? data) in _rest)
        {
            if (!_media.Draw(share) || _media.Contents.HealthOf(block) == BlockHealth.Dead)
                continue;
            _media.Story?.Add($"{_media.Name} block {block} of #{_serial} lands after its failure");
            fixed (byte* bytes = data)
            {
                IoVector vector = data is null ? IoVector.Empty : new([new IoSegment((nint)bytes, data.Length)], 1);
                _media.Contents.Change(block, vector, !_media.HasCache, false, _serial);
            }
        }
    }
}
