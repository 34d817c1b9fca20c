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
    /// The longest data of one option in bytes; a client that announces more is dropped. 256 KiB: the longest name and
    /// 65535 information requests fit.
    /// </summary>
    public int MaxOptionBytes { get; init; } = 256 << 10;

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
    /// The longest READ or WRITE in bytes, advertised as the maximum block size; longer ones are answered EINVAL. 64
    /// MiB: the most that common clients send; the protocol asks for 32 MiB at least.
    /// </summary>
    public int MaxPayloadBytes { get; init; } = 64 << 20;

    /// <summary>
    /// How long a client may leave replies untaken or a request unfinished while others wait for the memory that this
    /// takes; then it is cut off. 30 s: longer than a busy client pauses. Where nobody waits, there is no limit.
    /// </summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Throws when the settings contradict each other.</summary>
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(HandshakeTimeout, TimeSpan.Zero, nameof(HandshakeTimeout));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxConnections, 1, nameof(MaxConnections));
        ArgumentOutOfRangeException.ThrowIfLessThan(
            MaxOptionBytes, Wire.NbdConstants.MaxStringBytes + 6, nameof(MaxOptionBytes));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxOptions, 1, nameof(MaxOptions));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxRequestsInFlight, 1, nameof(MaxRequestsInFlight));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxBytesInFlight, 1, nameof(MaxBytesInFlight));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxUnsentBytes, 1, nameof(MaxUnsentBytes));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxPayloadBytes, BufferPool.MaxBytes, nameof(MaxPayloadBytes));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxPayloadBytes, MostPayloadBytes, nameof(MaxPayloadBytes));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(StallTimeout, TimeSpan.Zero, nameof(StallTimeout));
        ArgumentOutOfRangeException.ThrowIfLessThan(
            MaxBytesInFlightPerLoop, LoopMemory.LeastBytes(MaxPayloadBytes), nameof(MaxBytesInFlightPerLoop));
    }
}
