namespace DmIo.Mapper;

/// <summary>Cold code that waits for a commit; the result is false when the commit failed.</summary>
internal sealed record LogWait(long Ticket, TaskCompletionSource<bool> Done);
