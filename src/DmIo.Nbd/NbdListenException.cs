namespace DmIo.Nbd;

/// <summary>A listener could not be opened; the message names the address, the reason and the remedy.</summary>
public sealed class NbdListenException : IOException
{
    /// <summary>Creates the exception.</summary>
    public NbdListenException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with what caused it.</summary>
    public NbdListenException(string message, Exception cause)
        : base(message, cause)
    {
    }
}
