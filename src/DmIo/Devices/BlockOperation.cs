namespace DmIo;

/// <summary>What a request asks of a device.</summary>
public enum BlockOperation
{
    /// <summary>Fill the buffer from the device.</summary>
    Read,

    /// <summary>Write the buffer to the device.</summary>
    Write,

    /// <summary>Make everything that was acknowledged durable. Start and count are zero.</summary>
    Flush,

    /// <summary>The range's contents are no longer needed; what it reads as afterwards is undefined.</summary>
    Discard,

    /// <summary>The range reads as zeroes afterwards.</summary>
    WriteZeroes,
}
