namespace DmIo.Daemon.Tests;

/// <summary>A conversation is over: the message is what an observer calls that.</summary>
internal sealed class WireEndException(string what) : Exception(what)
{
    /// <summary>The server closed the connection.</summary>
    public static WireEndException Closed => new("closed");

    /// <summary>The server says nothing, and does not close.</summary>
    public static WireEndException Silent => new("silence");

    /// <summary>What the server sent is not of the protocol.</summary>
    public static WireEndException Garbage(string what) => new($"garbage ({what})");
}
