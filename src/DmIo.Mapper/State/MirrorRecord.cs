namespace DmIo.Mapper;

/// <summary>
/// The durable side of a mirror's knowledge. Whatever changes is saved as a whole; changes that come while a save is
/// under way share the next one. Tells which legs the file is known to distrust, so that the mirror knows what it may
/// acknowledge. Lives on the volume's loop.
/// </summary>
internal sealed class MirrorRecord(
    IoLoop loop, IStateStore store, Func<bool, MirrorState> snapshot, Action<Errno> saved) : IDisposable
{
    private Task _saving = Task.CompletedTask;
    private bool _again;
    private bool _open;

    /// <summary>Whether the file durably says that writes may be in flight.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>
    /// Bits of the legs that the file durably says are neither in sync nor merely different where writes were.
    /// </summary>
    public ulong DurablyOut { get; private set; }

    public bool IsSaving { get; private set; }

    public string Location => store.Location;

    /// <summary>Notes that writes begin, and saves that.</summary>
    public void Open()
    {
        _open = true;
        Save();
    }

    /// <summary>Notes that no write is in flight any more, and saves that.</summary>
    /// <returns>When it is saved, or has failed.</returns>
    public async Task<Errno> CloseAsync()
    {
        while (IsSaving)
            await _saving;
        _open = false;
        IsOpen = false;
        return await SaveOnceAsync();
    }

    /// <summary>
    /// Saves the present state, by the save under way if that has not begun to write yet, else by another.
    /// </summary>
    public void Save()
    {
        if (IsSaving)
        {
            _again = true;
            return;
        }
        IsSaving = true;
        _saving = loop.InvokeAsync(SaveAllAsync);
    }

    public void Dispose() => store.Dispose();

    private async ValueTask SaveAllAsync()
    {
        bool more;
        do
        {
            _again = false;
            Errno errno = await SaveOnceAsync();
            more = IsSaving = _again;
            saved(errno);
        }
        while (more);
    }

    private async Task<Errno> SaveOnceAsync()
    {
        bool open = _open;
        MirrorState state = snapshot(!open);
        ulong distrusted = OutOf(state);
        // From here on the file may already say the new state, and until the save has ended it may still say the old.
        DurablyOut &= distrusted;
        IsOpen &= open;
        Errno errno;
        try
        {
            errno = await store.ReplaceAsync(MirrorStateJson.Write(state));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errno = Errno.EIO;
        }
        if (errno != Errno.None)
            return errno;
        DurablyOut = distrusted;
        IsOpen = open;
        return Errno.None;
    }

    private static ulong OutOf(MirrorState state)
    {
        ulong bits = 0;
        for (int i = 0; i < state.Legs.Count; i++)
        {
            if (state.Legs[i].State is LegState.Stale or LegState.Copying)
                bits |= 1UL << i;
        }
        return bits;
    }
}
