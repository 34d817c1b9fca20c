using System.Text.Json;

namespace DmIo.Daemon.Configuration;

/// <summary>
/// A value of a JSON text that knows where it stands, so that mistakes found later can name the place.
/// </summary>
internal sealed class JsonItem
{
    private static readonly JsonReaderOptions Options = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    private JsonItem(JsonValueKind kind, string path, int line)
    {
        Kind = kind;
        Path = path;
        Line = line;
    }

    public JsonValueKind Kind { get; }

    /// <summary>The way to the value, such as exports[0].name.</summary>
    public string Path { get; }

    /// <summary>The line on which the value begins, from 1.</summary>
    public int Line { get; }

    /// <summary>A string's contents, a number's digits.</summary>
    public string Text { get; private set; } = "";

    public List<JsonItem> Items { get; } = [];

    public List<KeyValuePair<string, JsonItem>> Members { get; } = [];

    /// <summary>Reads a whole text.</summary>
    /// <exception cref="JsonException">It is no JSON; the exception has the line.</exception>
    public static JsonItem Parse(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8, Options);
        var lines = new LineCounter();
        reader.Read();
        JsonItem root = Read(ref reader, utf8, lines, "");
        while (reader.Read())
        {
        }
        return root;
    }

    private static JsonItem Read(ref Utf8JsonReader reader, ReadOnlySpan<byte> utf8, LineCounter lines, string path)
    {
        int line = lines.At(utf8, (int)reader.TokenStartIndex);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var members = new JsonItem(JsonValueKind.Object, path, line);
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    string name = reader.GetString()!;
                    reader.Read();
                    string inner = path.Length == 0 ? name : $"{path}.{name}";
                    members.Members.Add(new(name, Read(ref reader, utf8, lines, inner)));
                }
                return members;
            case JsonTokenType.StartArray:
                var items = new JsonItem(JsonValueKind.Array, path, line);
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    items.Items.Add(Read(ref reader, utf8, lines, $"{path}[{items.Items.Count}]"));
                return items;
            case JsonTokenType.String:
                return new JsonItem(JsonValueKind.String, path, line) { Text = reader.GetString()! };
            case JsonTokenType.Number:
                return new JsonItem(JsonValueKind.Number, path, line)
                {
                    Text = System.Text.Encoding.ASCII.GetString(reader.ValueSpan),
                };
            case JsonTokenType.True:
                return new JsonItem(JsonValueKind.True, path, line);
            case JsonTokenType.False:
                return new JsonItem(JsonValueKind.False, path, line);
            default:
                return new JsonItem(JsonValueKind.Null, path, line);
        }
    }

    private sealed class LineCounter
    {
        private int _position;
        private int _line = 1;

        public int At(ReadOnlySpan<byte> utf8, int position)
        {
            _line += utf8[_position..position].Count((byte)'\n');
            _position = position;
            return _line;
        }
    }
}
