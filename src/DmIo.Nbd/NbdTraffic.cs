namespace DmIo.Nbd;

/// <summary>What a connection has asked for and been given.</summary>
/// <param name="InFlight">Requests whose replies are not in the socket yet.</param>
/// <param name="Requests">Requests that were answered.</param>
/// <param name="Errors">How many of them with an error.</param>
/// <param name="BytesRead">Bytes of reads that succeeded.</param>
/// <param name="BytesWritten">Bytes of writes with a payload that succeeded.</param>
public readonly record struct NbdTraffic(int InFlight, long Requests, long Errors, long BytesRead, long BytesWritten);
