using System.Text;
using DmIo.Nbd;

namespace DmIo.Daemon.Configuration;

/// <summary>The rules for exports: names that the protocol can carry, each once, at most one default.</summary>
internal static class ExportChecks
{
    public static void Run(ServeConfiguration source, HashSet<string> deviceNames, Mistakes mistakes)
    {
        if (source.Exports.Count == 0 && mistakes.Count == 0)
            mistakes.Add("exports", "there is none; add { \"name\": ..., \"device\": \"dm:...\" }");
        var names = new HashSet<string>();
        string? defaultName = null;
        foreach (ExportConfiguration export in source.Exports)
        {
            if (!names.Add(export.Name))
                mistakes.Add(
                    export.Place, $"an export '{export.Name}' is there already; give one of them another name");
            CheckText(export.Place, "name", export.Name, mistakes);
            CheckText(export.Place, "description", export.Description ?? "", mistakes);
            if (MappedName.Of(export.Device) is { } device && !deviceNames.Contains(device))
                mistakes.Add(export.Place,
                    $"{export.Device}: no mapped device of that name{NearestName.Hint(device, deviceNames)}");
            if (!export.IsDefault)
                continue;
            if (defaultName is not null)
                mistakes.Add(export.Place, $"'{defaultName}' is the default export already; keep one");
            defaultName ??= export.Name;
        }
    }

    private static void CheckText(string place, string what, string text, Mistakes mistakes)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        if (length > NbdExport.MaxTextBytes)
            mistakes.Add(
                place, $"the {what} is {length} bytes long and NBD's strings hold {NbdExport.MaxTextBytes}; shorten it");
        if (text.Any(char.IsControl))
            mistakes.Add(place, $"the {what} has control characters; leave them out");
    }
}
