using System.Text;

namespace DmIo.Mapper;

// What there is to know of the device as a whole.
public sealed partial class MappedDevice
{
    /// <summary>
    /// The device as <c>dmsetup info</c> prints it, without the line break at the end. From any thread. Lines that mean
    /// nothing here are left out: it has no major and minor number and no UUID. It reads nothing ahead.
    /// </summary>
    /// <param name="openCount">How many have it open, as far as the caller knows; null leaves the line out.</param>
    public string InfoText(int? openCount = null)
    {
        var text = new StringBuilder();
        Add("Name", Name);
        Add("State", (IsSuspended ? "SUSPENDED" : "ACTIVE") + (IsReadOnly ? " (READ-ONLY)" : ""));
        Add("Read Ahead", "0");
        Add("Tables present", HasInactiveTable ? "LIVE & INACTIVE" : "LIVE");
        if (openCount is not null)
            Add("Open count", $"{openCount}");
        Add("Event number", $"{EventNumber}");
        Add("Number of targets", $"{_table.Lines.Count}");
        return text.ToString();

        void Add(string name, string value)
        {
            if (text.Length > 0)
                text.Append('\n');
            // The values stand in one column.
            text.Append((name + ":").PadRight(19)).Append(value);
        }
    }
}
