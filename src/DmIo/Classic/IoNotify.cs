namespace DmIo;

/// <summary>
/// The completion callback of the asynchronous calls (dm-io.txt, <c>io_notify_fn</c>): runs on the loop, exactly once.
/// </summary>
/// <param name="error">Bit i is set if region i failed; a bitset, not an error value.</param>
/// <param name="context">What the caller gave along with the request.</param>
public delegate void IoNotify(ulong error, object? context);
