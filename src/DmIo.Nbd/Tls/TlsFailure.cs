namespace DmIo.Nbd.Tls;

/// <summary>What the TLS library's exceptions say, without their wrapping.</summary>
internal static class TlsFailure
{
    public static string Describe(Exception exception)
    {
        Exception cause = exception;
        while (cause.InnerException is { } inner)
            cause = inner;
        return cause.Message.TrimEnd('.');
    }
}
