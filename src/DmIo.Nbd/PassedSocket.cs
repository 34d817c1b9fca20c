using System.Globalization;
using System.Net;
using System.Net.Sockets;
using DmIo.Linux;
using DmIo.Nbd.Sockets;

namespace DmIo.Nbd;

/// <summary>
/// A socket that another process has bound and listens on: a service manager, which keeps it while this process ends and
/// the next one begins. <see cref="NbdServer.ListenAsync(PassedSocket)"/> takes it over.
/// </summary>
public sealed class PassedSocket
{
    private PassedSocket(int descriptor, string name, EndPoint address)
    {
        Descriptor = descriptor;
        Name = name;
        Address = address;
    }

    /// <summary>The descriptor by which it was passed.</summary>
    public int Descriptor { get; }

    /// <summary>What whoever passed it calls it; empty when they do not say.</summary>
    public string Name { get; }

    /// <summary>Where it listens.</summary>
    public EndPoint Address { get; }

    /// <summary>The path of a Unix socket, or @ and its name outside the file system; null for TCP.</summary>
    public string? UnixPath => Address is UnixDomainSocketEndPoint ? Address.ToString() : null;

    /// <summary>The descriptor and its name, as people read them.</summary>
    public override string ToString() => Describe(Descriptor, Name);

    /// <summary>
    /// Looks at a descriptor, and keeps it from processes that this one starts.
    /// </summary>
    /// <param name="descriptor">One that this process was started with.</param>
    /// <param name="name">What whoever passed it calls it; may be empty.</param>
    /// <exception cref="NbdListenException">It is no socket on which an NBD server can take connections.</exception>
    public static PassedSocket Open(int descriptor, string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        string? problem = SocketCalls.TypeOf(descriptor, out Errno errno) switch
        {
            null when errno == Errno.EBADF => "is not open",
            null => "is no socket",
            not LinuxConstants.SOCK_STREAM => "is a socket for datagrams or packets",
            _ when SocketCalls.LocalAddress(descriptor) is null => "is neither a TCP nor a Unix socket",
            _ when !SocketCalls.IsListening(descriptor) =>
                "is a socket on which nobody listens (of a systemd socket unit: leave Accept= out)",
            _ => null,
        };
        if (problem is not null)
        {
            throw new NbdListenException(
                $"{Describe(descriptor, name)} {problem}; pass a TCP or Unix stream socket that listens, as ListenStream= "
                + "of a systemd socket unit does");
        }
        SocketCalls.CloseOnExec(descriptor);
        return new PassedSocket(descriptor, name, SocketCalls.LocalAddress(descriptor)!);
    }

    private static string Describe(int descriptor, string name) => string.Create(
        CultureInfo.InvariantCulture,
        $"descriptor {descriptor}{(name.Length > 0 ? $" ({Printable.Name(name)})" : "")}");
}
