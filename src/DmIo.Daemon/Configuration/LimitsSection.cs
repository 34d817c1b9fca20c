using System.Text.Json;
using DmIo.Nbd;

namespace DmIo.Daemon.Configuration;

/// <summary>The limits that a configuration file may set; what it leaves out keeps the server's own default.</summary>
internal static class LimitsSection
{
    // A request of the smallest advertised maximum must fit.
    private const long BytesInFlightMinimum = 1 << 20;

    // Beside one request of the longest kind, some must be received.
    private const long BytesInFlightPerLoopMinimum = 72 << 20;

    public static NbdLimits Read(string file, JsonItem? item, Mistakes mistakes)
    {
        var limits = new NbdLimits();
        if (item is null)
            return limits;
        var reader = new JsonObjectReader(file, item, mistakes);
        limits = limits with
        {
            HandshakeTimeout = reader.Number("handshakeTimeoutSeconds", 1) is { } s
                ? TimeSpan.FromSeconds(s) : limits.HandshakeTimeout,
            StallTimeout = reader.Number("stallTimeoutSeconds", 1) is { } stall
                ? TimeSpan.FromSeconds(stall) : limits.StallTimeout,
            MaxConnections = reader.Number("maxConnections", 1) ?? limits.MaxConnections,
            MaxConnectionsPerPeer = reader.Number("maxConnectionsPerPeer", 1) ?? limits.MaxConnectionsPerPeer,
            MaxRequestsInFlight = reader.Number("maxRequestsInFlight", 1) ?? limits.MaxRequestsInFlight,
            MaxBytesInFlight = Bytes(reader, "maxBytesInFlight", BytesInFlightMinimum, mistakes) ?? limits.MaxBytesInFlight,
            MaxRequestsInFlightPerLoop =
                reader.Number("maxRequestsInFlightPerLoop", 1) ?? limits.MaxRequestsInFlightPerLoop,
            MaxBytesInFlightPerLoop = Bytes(reader, "maxBytesInFlightPerLoop", BytesInFlightPerLoopMinimum, mistakes)
                ?? limits.MaxBytesInFlightPerLoop,
        };
        reader.Finish();
        return limits;
    }

    private static long? Bytes(JsonObjectReader reader, string name, long minimum, Mistakes mistakes)
    {
        JsonItem? item = reader.Take(name);
        if (item is null)
            return null;
        if (item.Kind is JsonValueKind.String or JsonValueKind.Number
            && ByteSize.TryParse(item.Text, out long bytes) && bytes >= minimum)
            return bytes;
        mistakes.Add(reader.PlaceOf(item),
            $"must be a size of at least {ByteSize.Format(minimum)}; {ByteSize.Remedy}");
        return null;
    }
}
