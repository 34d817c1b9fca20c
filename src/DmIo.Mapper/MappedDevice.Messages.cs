namespace DmIo.Mapper;

// What people ask of single targets while they serve.
public sealed partial class MappedDevice
{
    /// <summary>
    /// Sends a message to the target that serves a sector, as <c>dmsetup message NAME SECTOR WORDS</c> does. From any
    /// thread.
    /// </summary>
    /// <param name="sector">A sector of the target's line.</param>
    /// <param name="words">The message.</param>
    /// <returns>What <c>dmsetup message</c> prints, without a line break at the end; most messages have no answer.</returns>
    /// <exception cref="MapperException">There is no such target, or it did not take the message; why, and what it takes.</exception>
    public Task<string> MessageAsync(Sectors sector, IReadOnlyList<string> words)
    {
        ArgumentNullException.ThrowIfNull(words);
        return Loop.InvokeAsync(() =>
        {
            if (words.Count == 0)
                throw new MapperException($"{Name}: the message is empty; say what the target shall do");
            if (_stopped)
                throw new MapperException($"{Name}: is stopped and takes no messages");
            if (!_changing.IsCompleted)
                throw new NotNowException($"{Name}: it is being suspended or given another table; wait for that and try again");
            if (sector < Sectors.Zero || sector >= Length)
                throw new MapperException($"{Name}: there is no sector {sector}; it has 0 to {Length - new Sectors(1)}");
            return _targets[FindTarget(sector)].MessageAsync(words);
        });
    }
}
