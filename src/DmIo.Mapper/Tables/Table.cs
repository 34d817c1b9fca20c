namespace DmIo.Mapper;

/// <summary>A device-mapper table that was read without a mistake: lines that cover the device without gaps.</summary>
public sealed class Table
{
    /// <summary>Makes a table of lines that are right: whoever changes a table's lines keeps them so.</summary>
    public Table(IReadOnlyList<TableLine> lines) => Lines = lines;

    /// <summary>The lines in the order of their start sectors; the first begins at sector 0.</summary>
    public IReadOnlyList<TableLine> Lines { get; }

    /// <summary>Size of the mapped device.</summary>
    public Sectors Length => Lines[^1].End;

    /// <summary>
    /// The device arguments of all lines, logs among them, as written, each once: paths, or <c>dm:NAME</c>.
    /// </summary>
    public IEnumerable<string> Devices =>
        Lines.SelectMany(line => line.Target.Devices.Select(leg => leg.Device).Concat(line.Target.OtherDevices))
            .Distinct();
}
