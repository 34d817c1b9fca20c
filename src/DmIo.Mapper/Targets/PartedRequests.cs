namespace DmIo.Mapper;

/// <summary>
/// Requests that are done in parts, all of them at once; the request's error is that of its lowest failing sector. Pools
/// its objects.
/// </summary>
internal sealed class PartedRequests(IoLoop loop, IPartedTarget target)
{
    private Parted? _free;

    private IoLoop Loop => loop;

    private IPartedTarget Target => target;

    /// <summary>Begins a request: its parts are added next, then it is ended.</summary>
    public Parted Begin(BlockRequest original)
    {
        Parted parted = _free ?? new Parted(this);
        _free = parted.NextFree;
        parted.Begin(original);
        return parted;
    }

    /// <summary>One request and its parts.</summary>
    internal sealed class Parted(PartedRequests pool)
    {
        private BlockRequest? _original;
        private Part? _freePart;
        private int _outstanding;
        private Errno _error;
        private Sectors _failedAt;
        private BlockFailure? _failure;

        public Parted? NextFree { get; private set; }

        /// <summary>Sends a part, with what the request asks, to a leg.</summary>
        /// <param name="leg">Which of the target's legs.</param>
        /// <param name="start">First sector on the leg's device.</param>
        /// <param name="count">How many.</param>
        /// <param name="offset">Where in a read's or write's data the part begins.</param>
        public void Add(int leg, Sectors start, Sectors count, Sectors offset)
        {
            BlockRequest original = _original!;
            Part part = _freePart ?? new Part(this);
            _freePart = part.NextFree;
            part.Leg = leg;
            part.Operation = original.Operation;
            part.Flags = original.Flags;
            part.Start = start;
            part.Count = count;
            part.Data = original.Operation <= BlockOperation.Write
                ? original.Data.Slice(offset.Bytes, count.Bytes)
                : default;
            _outstanding++;
            pool.Target.LegOf(leg).Device.Submit(part);
        }

        /// <summary>A part fails without being sent anywhere.</summary>
        public void Fail(Errno error, Sectors failedAt, BlockFailure? failure = null)
        {
            if (_error != Errno.None && failedAt >= _failedAt)
                return;
            _error = error;
            _failedAt = failedAt;
            _failure = failure;
        }

        /// <summary>All parts were added: the request completes when they have.</summary>
        public void End()
        {
            if (--_outstanding > 0)
                return;
            BlockRequest original = _original!;
            Errno error = _error;
            Sectors failedAt = _failedAt;
            BlockFailure? failure = _failure;
            _original = null;
            _failure = null;
            NextFree = pool._free;
            pool._free = this;
            original.Complete(pool.Loop, error, failedAt, failure);
        }

        internal void Begin(BlockRequest original)
        {
            _original = original;
            _error = Errno.None;
            _failedAt = Sectors.Zero;
            // One for the dispatch itself.
            _outstanding = 1;
        }

        private void Ended(Part part)
        {
            if (part.Error != Errno.None)
            {
                pool.Target.PartFailed(part.Leg, part.Error);
                Sectors failedAt = part.Operation == BlockOperation.Flush
                    ? Sectors.Zero
                    : pool.Target.BackOf(part.Leg, part.FailedAt);
                Fail(part.Error, failedAt, part.Failure);
            }
            End();
        }

        /// <summary>What one leg is asked.</summary>
        private sealed class Part(Parted parted) : BlockRequest
        {
            public int Leg { get; set; }

            public Part? NextFree { get; private set; }

            protected override void Completed()
            {
                bool isHeld = PassHoldTo(parted._original!);
                parted.Ended(this);
                if (!isHeld)
                    Unheld();
            }

            protected override void Unheld()
            {
                Data = default;
                NextFree = parted._freePart;
                parted._freePart = this;
            }
        }
    }
}
