using Microsoft.AspNetCore.Http;

namespace DmIo.Daemon.Control;

/// <summary>What was asked for is not done; the message is for whoever asked.</summary>
internal sealed class ControlException(int status, string message) : Exception(message)
{
    /// <summary>The HTTP status.</summary>
    public int Status => status;

    /// <summary>What was asked for cannot be understood, or cannot be right: it must be changed.</summary>
    public static ControlException Mistake(string message) => new(StatusCodes.Status422UnprocessableEntity, message);

    /// <summary>There is nothing of that name.</summary>
    public static ControlException NotFound(string message) => new(StatusCodes.Status404NotFound, message);

    /// <summary>It does not go together with how things are now.</summary>
    public static ControlException Conflict(string message) => new(StatusCodes.Status409Conflict, message);

    /// <summary>It is right and could not be had.</summary>
    public static ControlException Failed(string message) => new(StatusCodes.Status503ServiceUnavailable, message);
}
