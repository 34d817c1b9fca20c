namespace DmIo.Mapper;

/// <summary>
/// The features that a mirror's table may ask for. They are echoed; see the README for what they change.
/// </summary>
[Flags]
public enum MirrorFeatures
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary><c>handle_errors</c>.</summary>
    HandleErrors = 1,

    /// <summary><c>keep_log</c>, only together with <c>handle_errors</c>.</summary>
    KeepLog = 2,
}
