using System.Text;
using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd;

/// <summary>A device under the name by which clients ask for it. Does not own the device.</summary>
#pragma warning disable CA1001 // A semaphore that nobody waits for by handle holds nothing that would have to be given back.
public sealed class NbdExport
#pragma warning restore CA1001
{
    /// <summary>The longest name and the longest description, in bytes of UTF-8: the protocol's limit for any string.</summary>
    public const int MaxTextBytes = MaxStringBytes;

    // What the specification tells clients to assume where nothing is said, and the page size of most of them.
    private const int PreferredBlockBytes = 4096;

    // Byte-granular requests are served, whatever the device's blocks are.
    internal const uint MinimumBlock = 1;

    private static readonly UTF8Encoding s_utf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>Describes an export.</summary>
    /// <param name="name">The name clients ask for: at most 4096 bytes of UTF-8, no NUL.</param>
    /// <param name="device">What is served; its home must be a <see cref="KernelLoop"/>.</param>
    /// <param name="readOnly">Whether changes are refused with EPERM; always so on a read-only device.</param>
    /// <param name="description">A line for people who list the exports: at most 4096 bytes of UTF-8, no NUL.</param>
    /// <exception cref="ArgumentException">Name, description or loop are not as said.</exception>
    public NbdExport(string name, OrderedDevice device, bool readOnly, string? description = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(device);
        Name = name;
        NameBytes = Encode(name, nameof(name));
        Device = device;
        Loop = device.Loop as KernelLoop
            ?? throw new ArgumentException($"{device.Name}: its loop waits for no sockets", nameof(device));
        ReadOnly = readOnly || device.IsReadOnly;
        Description = description;
    }

    /// <summary>The name clients ask for.</summary>
    public string Name { get; }

    /// <summary>What is served.</summary>
    public OrderedDevice Device { get; }

    /// <summary>Whether what changes data is refused.</summary>
    public bool ReadOnly { get; }

    /// <summary>
    /// A line for people who list the exports: at most 4096 bytes of UTF-8, no NUL. Those who ask from now on are told a new
    /// one. From any thread.
    /// </summary>
    /// <exception cref="ArgumentException">It is not as said.</exception>
    public string? Description
    {
        get;
        set
        {
            DescriptionBytes = Encode(value ?? "", nameof(value));
            field = value;
        }
    }

    /// <summary>
    /// Whether it is left out of the list of exports; who knows its name is served. From any thread, from now on.
    /// </summary>
    public bool IsHidden { get; set; }

    /// <summary>
    /// Whether clients without TLS are kept from it, and not told of it: where a server speaks TLS and does not require it
    /// for everything.
    /// </summary>
    public bool RequiresTls { get; init; }

    internal KernelLoop Loop { get; }

    // For each window that is looked through for BLOCK_STATUS.
    internal SemaphoreSlim Lookups { get; } = new(Status.StatusLimits.LookupsAtOnce);

    // To be touched on the loop alone.
    internal Transmission.HalfClosedConnections HalfClosed { get; } = new();

    internal byte[] NameBytes { get; }

    internal byte[] DescriptionBytes { get; private set; } = [];

    // What does not fill a logical block at the device's end cannot be reached.
    internal long SizeBytes => Device.Length.Bytes & -Device.LogicalBlockBytes;

    internal bool CanTrim => Device.DiscardLimit > Sectors.Zero;

    internal uint PreferredBlock => (uint)Math.Max(PreferredBlockBytes, Device.LogicalBlockBytes);

    /// <summary>The transmission flags: each is set because it is true.</summary>
    internal ushort TransmissionFlags(ReplyForm form, bool hasContexts)
    {
        int flags = NBD_FLAG_HAS_FLAGS | NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_FUA | NBD_FLAG_CAN_MULTI_CONN
            | NBD_FLAG_SEND_CACHE;
        if (form != ReplyForm.Simple)
            flags |= NBD_FLAG_SEND_DF;
        if (form == ReplyForm.Extended && hasContexts)
            flags |= NBD_FLAG_BLOCK_STATUS_PAYLOAD;
        if (ReadOnly)
            flags |= NBD_FLAG_READ_ONLY;
        else
            flags |= NBD_FLAG_SEND_WRITE_ZEROES | NBD_FLAG_SEND_FAST_ZERO | (CanTrim ? NBD_FLAG_SEND_TRIM : 0);
        return (ushort)flags;
    }

    private static byte[] Encode(string text, string parameter)
    {
        byte[] bytes;
        try
        {
            bytes = s_utf8.GetBytes(text);
        }
        catch (EncoderFallbackException e)
        {
            throw new ArgumentException("Not a text that UTF-8 can hold.", parameter, e);
        }
        if (bytes.Length > MaxStringBytes || bytes.Contains((byte)0))
            throw new ArgumentException($"More than {MaxStringBytes} bytes of UTF-8, or a NUL inside.", parameter);
        return bytes;
    }
}
