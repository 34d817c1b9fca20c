namespace DmIo.Mapper;

/// <summary>What a mirror's table says of the legs' being in sync.</summary>
public enum MirrorSync
{
    /// <summary>Nothing: the state file knows, or the one who creates the mirror says.</summary>
    Unsaid,

    /// <summary><c>sync</c>: at birth leg 0 is copied to the others.</summary>
    Sync,

    /// <summary><c>nosync</c>: at birth the legs are taken as identical.</summary>
    NoSync,
}
