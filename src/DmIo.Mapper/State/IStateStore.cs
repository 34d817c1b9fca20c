namespace DmIo.Mapper;

/// <summary>
/// Where a mirror's state is kept: one small text, replaced as a whole and durably. Used on the loop alone.
/// </summary>
internal interface IStateStore : IDisposable
{
    /// <summary>What people look for when they want to see or remove it.</summary>
    string Location { get; }

    /// <summary>Reads the text; null when there is none.</summary>
    Task<string?> ReadAsync();

    /// <summary>Replaces the text; <see cref="Errno.None"/> when the new one is durable.</summary>
    Task<Errno> ReplaceAsync(string contents);
}
