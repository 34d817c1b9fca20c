namespace DmIo.SideBySide.Client;

/// <summary>A server that did not do what the protocol or the measurement asks.</summary>
internal sealed class NbdException(string message) : Exception(message);
