using DmIo.Linux;
using static DmIo.Linux.LinuxConstants;

namespace DmIo;

/// <summary>
/// A loop's io_uring, for what must wait: O_DIRECT, reads that the page cache cannot serve, syncs. Entered by the loop's
/// thread alone. What is submitted in a batch enters the kernel with one system call.
/// </summary>
internal sealed unsafe class Ring : IDisposable
{
    // Submissions collected before the kernel must be entered; completions have twice the room. Arbitrary.
    private const uint Entries = 256;

    private const uint SetupDisabled = 1 << 6;
    private const uint SetupSubmitAll = 1 << 7;
    private const uint SetupSingleIssuer = 1 << 12;
    private const uint SetupDeferTaskRun = 1 << 13;
    private const uint FeatureSingleMap = 1;
    private const uint EnterGetEvents = 1;
    private const int RegisterEventFd = 4;
    private const int RegisterEnableRings = 12;
    private const long OffsetOfEntries = 0x10000000;

    private readonly IoLoop _loop;
    private readonly int _fd;
    private readonly void* _rings;
    private readonly nint _ringsBytes;
    private readonly SubmissionEntry* _entries;
    private readonly nint _entriesBytes;
    private readonly uint* _submissionTail;
    private readonly uint _submissionMask;
    private readonly uint* _completionHead;
    private readonly uint* _completionTail;
    private readonly uint _completionMask;
    private readonly CompletionEntry* _completions;
    private readonly RingOperation?[] _slots;
    private readonly Stack<int> _freeSlots = new();
    private WorkList _waiting;
    private uint _tail;
    private uint _pending;

    private Ring(IoLoop loop, int fd, uint* setup)
    {
        _loop = loop;
        _fd = fd;
        uint submissions = setup[0];
        uint completions = setup[1];
        // struct io_uring_params: sq_off at byte 40 (head, tail, mask, entries, flags, dropped, array), cq_off at byte 80
        // (head, tail, mask, entries, overflow, cqes).
        uint* sq = setup + 10;
        uint* cq = setup + 20;
        _ringsBytes = (nint)Math.Max(sq[6] + submissions * sizeof(uint), cq[5] + completions * (uint)sizeof(CompletionEntry));
        _rings = MapPart(fd, _ringsBytes, 0);
        _entriesBytes = (nint)(submissions * (uint)sizeof(SubmissionEntry));
        _entries = (SubmissionEntry*)MapPart(fd, _entriesBytes, OffsetOfEntries);
        byte* rings = (byte*)_rings;
        _submissionTail = (uint*)(rings + sq[1]);
        _submissionMask = *(uint*)(rings + sq[2]);
        uint* order = (uint*)(rings + sq[6]);
        for (uint i = 0; i < submissions; i++)
            order[i] = i;
        _completionHead = (uint*)(rings + cq[0]);
        _completionTail = (uint*)(rings + cq[1]);
        _completionMask = *(uint*)(rings + cq[2]);
        _completions = (CompletionEntry*)(rings + cq[5]);
        // No more under way than completions fit, so none is ever dropped.
        _slots = new RingOperation?[completions];
        for (int i = _slots.Length - 1; i >= 0; i--)
            _freeSlots.Push(i);
    }

    /// <summary>Opens a ring, or tells why the kernel does not give one.</summary>
    public static Ring? TryOpen(IoLoop loop, out string? reason)
    {
        const int SetupWords = 30; // sizeof(struct io_uring_params) == 120
        uint* setup = stackalloc uint[SetupWords];
        new Span<uint>(setup, SetupWords).Clear();
        setup[2] = SetupDisabled | SetupSubmitAll | SetupSingleIssuer | SetupDeferTaskRun;
        int fd = (int)Libc.SystemCall(SYS_io_uring_setup, (nint)Entries, (nint)setup, 0, 0, 0, 0);
        if (fd < 0)
        {
            reason = Libc.LastErrno switch
            {
                Errno.ENOSYS => "the kernel has no io_uring",
                Errno.EPERM => "the kernel does not permit io_uring here (sysctl kernel.io_uring_disabled, or a container's seccomp filter)",
                Errno.EINVAL => "the kernel's io_uring is older than Linux 6.1",
                Errno.ENOMEM => "no memory may be locked for it (raise RLIMIT_MEMLOCK)",
                Errno errno => $"io_uring_setup: {errno} ({Libc.Describe(errno)})",
            };
            return null;
        }
        if ((setup[5] & FeatureSingleMap) == 0)
        {
            _ = Libc.Close(fd);
            reason = "the kernel's io_uring is older than Linux 6.1";
            return null;
        }
        reason = null;
        return new Ring(loop, fd, setup);
    }

    /// <summary>
    /// Makes the calling thread the one that may enter the ring; <paramref name="eventFd"/> then tells when there is
    /// something to reap. (The ring's own descriptor does not become readable for work that the kernel has deferred.)
    /// </summary>
    public void Enable(int eventFd)
    {
        if (Libc.SystemCall(SYS_io_uring_register, _fd, RegisterEnableRings, 0, 0, 0, 0) < 0 ||
            Libc.SystemCall(SYS_io_uring_register, _fd, RegisterEventFd, (nint)(&eventFd), 1, 0, 0) < 0)
        {
            throw new IOException($"io_uring_register: {Libc.Describe(Libc.LastErrno)}");
        }
    }

    /// <summary>Takes an operation; it enters the kernel with the rest of the batch.</summary>
    public void Submit(RingOperation operation)
    {
        if (!_freeSlots.TryPop(out int slot))
        {
            _waiting.Append(operation);
            return;
        }
        operation.Slot = slot;
        _slots[slot] = operation;
        operation.Entry.UserData = (ulong)slot;
        if (_pending > _submissionMask)
            Enter();
        _entries[_tail & _submissionMask] = operation.Entry;
        _tail++;
        _pending++;
        Volatile.Write(ref *_submissionTail, _tail);
    }

    /// <summary>Enters the kernel if there is something to submit.</summary>
    public void SubmitPending()
    {
        if (_pending > 0)
        {
            Enter();
            TakeCompletions();
        }
    }

    /// <summary>Takes what has completed.</summary>
    public void Reap()
    {
        if (_freeSlots.Count == _slots.Length)
            return;
        Enter();
        TakeCompletions();
    }

    public void Dispose()
    {
        _ = Libc.Unmap(_rings, _ringsBytes);
        _ = Libc.Unmap(_entries, _entriesBytes);
        _ = Libc.Close(_fd);
    }

    private static void* MapPart(int fd, nint bytes, long offset)
    {
        void* part = Libc.Map(null, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);
        return (nint)part != -1 ? part : throw new IOException($"io_uring mmap: {Libc.Describe(Libc.LastErrno)}");
    }

    // Completions are posted by the loop's own task when it enters the kernel and asks for events.
    private void Enter()
    {
        nint taken = Libc.SystemCall(SYS_io_uring_enter, _fd, (nint)_pending, 0, (nint)EnterGetEvents, 0, 0);
        if (taken >= 0)
            _pending -= (uint)taken;
        else if (Libc.LastErrno is not (Errno.EINTR or Errno.EAGAIN or Errno.EBUSY))
            throw new IOException($"io_uring_enter: {Libc.Describe(Libc.LastErrno)}");
    }

    private void TakeCompletions()
    {
        uint head = *_completionHead;
        while (head != Volatile.Read(ref *_completionTail))
        {
            CompletionEntry completion = _completions[head++ & _completionMask];
            int slot = (int)completion.UserData;
            RingOperation operation = _slots[slot]!;
            _slots[slot] = null;
            _freeSlots.Push(slot);
            operation.Result = completion.Result;
            _loop.Ready(operation);
        }
        Volatile.Write(ref *_completionHead, head);
        while (_freeSlots.Count > 0 && _waiting.TakeFirst() is { } next)
            Submit((RingOperation)next);
    }
}
