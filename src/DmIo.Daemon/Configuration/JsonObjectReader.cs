using System.Globalization;
using System.Text.Json;

namespace DmIo.Daemon.Configuration;

/// <summary>
/// Takes the known properties of one JSON object, and at the end finds those that no one asked for. What is missing or
/// of the wrong kind becomes a mistake, never an exception.
/// </summary>
internal sealed class JsonObjectReader
{
    private readonly string _file;
    private readonly JsonItem _object;
    private readonly Mistakes _mistakes;
    private readonly List<string> _known = [];

    public JsonObjectReader(string file, JsonItem item, Mistakes mistakes)
    {
        _file = file;
        _object = item;
        _mistakes = mistakes;
        if (item.Kind != JsonValueKind.Object)
            Add(item, "must be an object: { ... }");
    }

    public string PlaceOf(JsonItem item) =>
        item.Path.Length == 0 ? $"{_file}:{item.Line}" : $"{_file}:{item.Line}: {item.Path}";

    public void Add(JsonItem item, string message) => _mistakes.Add(PlaceOf(item), message);

    public JsonItem? Take(string name)
    {
        _known.Add(name);
        JsonItem? found = null;
        foreach ((string key, JsonItem value) in _object.Members)
        {
            if (key != name)
                continue;
            if (found is not null)
                Add(value, "is given twice; keep one");
            found = value;
        }
        return found;
    }

    public JsonItem? Require(string name)
    {
        JsonItem? item = Take(name);
        if (item is null && _object.Kind == JsonValueKind.Object)
            Add(_object, $"has no '{name}'; add it");
        return item;
    }

    public string? Text(string name) => AsText(Take(name));

    public string? RequireText(string name) => AsText(Require(name));

    public string? AsText(JsonItem? item)
    {
        if (item is null)
            return null;
        if (item.Kind == JsonValueKind.String)
            return item.Text;
        Add(item, "must be a string: \"...\"");
        return null;
    }

    public bool Flag(string name, bool otherwise = false)
    {
        JsonItem? item = Take(name);
        if (item is not null && item.Kind is not (JsonValueKind.True or JsonValueKind.False))
            Add(item, "must be true or false");
        return item is null ? otherwise : item.Kind == JsonValueKind.True;
    }

    public int? Number(string name, int minimum)
    {
        JsonItem? item = Take(name);
        if (item is null)
            return null;
        if (item.Kind == JsonValueKind.Number
            && int.TryParse(item.Text, NumberStyles.None, CultureInfo.InvariantCulture, out int value)
            && value >= minimum)
        {
            return value;
        }
        Add(item, $"must be a whole number of at least {minimum}");
        return null;
    }

    public List<JsonItem> Array(string name)
    {
        JsonItem? item = Take(name);
        if (item is null)
            return [];
        if (item.Kind == JsonValueKind.Array)
            return item.Items;
        Add(item, "must be an array: [ ... ]");
        return [];
    }

    public IReadOnlyList<KeyValuePair<string, JsonItem>> Members(string name)
    {
        JsonItem? item = Take(name);
        if (item is null)
            return [];
        if (item.Kind == JsonValueKind.Object)
            return item.Members;
        Add(item, "must be an object: { \"name\": ... }");
        return [];
    }

    /// <summary>Reports the properties that no one took.</summary>
    public void Finish()
    {
        foreach ((string key, JsonItem value) in _object.Members)
        {
            if (!_known.Contains(key))
                Add(value, $"unknown property '{key}'{NearestName.Hint(key, _known)}");
        }
    }
}
