namespace DmIo.Nbd.Tests;

/// <summary>The server did what it must not; the message says what.</summary>
internal sealed class FuzzFailureException : Exception
{
    public FuzzFailureException(string message)
        : base(message)
    {
    }

    public FuzzFailureException(string message, Exception cause)
        : base(message, cause)
    {
    }
}
