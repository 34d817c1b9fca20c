using DmIo.Nbd.Transmission;

namespace DmIo.Nbd;

/// <summary>
/// What clients may cost the server. Every setting has a default that suits common use, with its reason.
/// </summary>
public sealed record NbdLimits
{
    /// <summary>The highest setting of <see cref="MaxPayloadBytes"/>: its buffers fit in one gathered send.</summary>
    internal const int MostPayloadBytes = 256 << 20;

    /// <summary>
    /// How long a client may take from the connection to GO or EXPORT_NAME. 10 s, as others have it: a handshake is a
    /// few round trips, and who is slower holds a slot from others.
    /// </summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Connections at once, half-open ones included; one more is closed at once. 256: sixteen kernel clients of sixteen
    /// connections each.
    /// </summary>
    public int MaxConnections { get; init; } = 256;

    /// <summary>
    /// Connections at once of one peer: an IPv4 address, a network of 64 bits of IPv6 addresses, or, over a Unix socket, a
    /// user. 128: eight kernel clients of sixteen connections each, and half of what there is stays for others.
    /// </summary>
    public int MaxConnectionsPerPeer { get; init; } = 128;

    /// <summary>
    /// The longest data of one option in bytes; a client that announces more is dropped. 256 KiB: the longest name and
    /// 65535 information requests fit.
    /// </summary>
    public int MaxOptionBytes { get; init; } = 256 << 10;

    /// <summary>
    /// Data of options longer than 16 KiB that is being received or answered, in bytes and in all; a client that announces
    /// more is dropped. 8 MiB: 32 of the longest options at once, and nobody has a use for them.
    /// </summary>
    public long MaxOptionBytesInFlight { get; init; } = 8L << 20;

    /// <summary>
    /// Options that a client may send before it must have chosen an export. 128: arbitrary, real ones send five.
    /// </summary>
    public int MaxOptions { get; init; } = 128;

    /// <summary>
    /// Requests of one connection that are not yet answered; further ones wait in the socket. 256: twice the kernel
    /// client's 128 tags.
    /// </summary>
    public int MaxRequestsInFlight { get; init; } = 256;

    /// <summary>
    /// Buffer bytes of one connection's requests that are not yet answered. 64 MiB: the longest payload; a single
    /// request is always admitted.
    /// </summary>
    public long MaxBytesInFlight { get; init; } = 64L << 20;

    /// <summary>
    /// Buffer bytes of all connections that are served on one loop, receive buffers included. 256 MiB: four connections
    /// at their limit; who finds no room waits for its turn.
    /// </summary>
    public long MaxBytesInFlightPerLoop { get; init; } = 256L << 20;

    /// <summary>
    /// Reply bytes of one connection that wait for the client to take them; above it no more of its requests are
    /// started, so that a client which never reads holds little. 1 MiB: several socket buffers, and still in the cache.
    /// </summary>
    public long MaxUnsentBytes { get; init; } = 1L << 20;

    /// <summary>
    /// Requests of all connections that are served on one loop, until they are answered. 8192: the kernel client's 128
    /// tags on each of 64 connections; who wants more waits for its turn.
    /// </summary>
    public int MaxRequestsInFlightPerLoop { get; init; } = 8192;

    /// <summary>
    /// What clients are told as the maximum block size, if <see cref="MaxPayloadBytes"/> is not less. 32 MiB: what the
    /// protocol promises to clients that ask for no sizes, so that those that do behave like them.
    /// </summary>
    public int AdvertisedPayloadBytes { get; init; } = 32 << 20;

    /// <summary>
    /// The longest READ or WRITE in bytes; longer ones are answered EINVAL. 64 MiB: twice what is advertised, since other
    /// servers take that much and clients that ask for no sizes have come to send it.
    /// </summary>
    public int MaxPayloadBytes { get; init; } = 64 << 20;

    /// <summary>
    /// How long a client may leave replies untaken or a request unfinished while others wait for the memory that this
    /// takes; then it is cut off. 30 s: longer than a busy client pauses. Where nobody waits, there is no limit.
    /// </summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The most memory that clients can make a server take, whatever they do, beside what devices hold that hang
    /// (<see cref="NbdServer.PinnedBytes"/>). Measured costs, rounded up; README.md has the sum.
    /// </summary>
    /// <param name="loops">On how many loops exports are served.</param>
    /// <returns>Bytes.</returns>
    public long MemoryBoundBytes(int loops)
    {
        const long keptByPool = 16L << 20;
        const long perRequest = 8L << 10;
        const long perConnection = 512L << 10;
        const long collector = 64L << 20;
        return loops * (MaxBytesInFlightPerLoop + keptByPool + MaxRequestsInFlightPerLoop * perRequest)
            + MaxConnections * perConnection + 2 * MaxOptionBytesInFlight + collector;
    }

    /// <summary>The maximum block size that clients are told.</summary>
    internal int MaximumBlockBytes => Math.Min(AdvertisedPayloadBytes, MaxPayloadBytes);

    /// <summary>Whether what the connections of a loop share is the same.</summary>
    public bool SharesLoopsWith(NbdLimits other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return (MaxBytesInFlightPerLoop, MaxRequestsInFlightPerLoop, MaxPayloadBytes, StallTimeout)
            == (other.MaxBytesInFlightPerLoop, other.MaxRequestsInFlightPerLoop, other.MaxPayloadBytes, other.StallTimeout);
    }

    /// <summary>These limits, with what the connections of a loop share taken from others.</summary>
    public NbdLimits WithLoopsOf(NbdLimits other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return this with
        {
            MaxBytesInFlightPerLoop = other.MaxBytesInFlightPerLoop,
            MaxRequestsInFlightPerLoop = other.MaxRequestsInFlightPerLoop,
            MaxPayloadBytes = other.MaxPayloadBytes,
            StallTimeout = other.StallTimeout,
        };
    }

    /// <summary>Throws when the settings contradict each other.</summary>
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(HandshakeTimeout, TimeSpan.Zero, nameof(HandshakeTimeout));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxConnections, 1, nameof(MaxConnections));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxConnectionsPerPeer, 1, nameof(MaxConnectionsPerPeer));
        ArgumentOutOfRangeException.ThrowIfLessThan(
            MaxOptionBytes, Wire.NbdConstants.MaxStringBytes + 6, nameof(MaxOptionBytes));
        ArgumentOutOfRangeException.ThrowIfNegative(MaxOptionBytesInFlight, nameof(MaxOptionBytesInFlight));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxOptions, 1, nameof(MaxOptions));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxRequestsInFlight, 1, nameof(MaxRequestsInFlight));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxRequestsInFlightPerLoop, 1, nameof(MaxRequestsInFlightPerLoop));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxBytesInFlight, 1, nameof(MaxBytesInFlight));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxUnsentBytes, 1, nameof(MaxUnsentBytes));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxPayloadBytes, BufferPool.MaxBytes, nameof(MaxPayloadBytes));
        ArgumentOutOfRangeException.ThrowIfLessThan(AdvertisedPayloadBytes, BufferPool.MaxBytes, nameof(AdvertisedPayloadBytes));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxPayloadBytes, MostPayloadBytes, nameof(MaxPayloadBytes));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(StallTimeout, TimeSpan.Zero, nameof(StallTimeout));
        ArgumentOutOfRangeException.ThrowIfLessThan(
            MaxBytesInFlightPerLoop, LoopMemory.LeastBytes(MaxPayloadBytes), nameof(MaxBytesInFlightPerLoop));
    }
}
