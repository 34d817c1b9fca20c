using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;

namespace DmIo.Daemon.Control;

/// <summary>Describes the operations as an OpenAPI 3.1 document.</summary>
internal sealed class OpenApiDocument
{
    private static readonly JsonSchemaExporterOptions s_schemas = new() { TreatNullObliviousAsNonNullable = true };

    // What is meant for people has no HTML around it.
    private static readonly JsonSerializerOptions s_layout =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly JsonObject _schemas = [];

    /// <summary>The document's text.</summary>
    public static string Write(IEnumerable<Operation> operations, string version)
    {
        var document = new OpenApiDocument();
        JsonObject paths = document.Paths(operations);
        return new JsonObject
        {
            ["openapi"] = "3.1.0",
            ["info"] = new JsonObject
            {
                ["title"] = "dmio-nbd control",
                ["version"] = version,
                ["description"] =
                    "Sees and changes a running daemon, over its control socket. Every error is a problem document (RFC 9457).",
            },
            ["paths"] = paths,
            ["components"] = new JsonObject { ["schemas"] = document._schemas },
        }.ToJsonString(s_layout);
    }

    private JsonObject Paths(IEnumerable<Operation> operations)
    {
        var paths = new JsonObject();
        foreach (IGrouping<string, Operation> path in operations.GroupBy(o => o.Path))
        {
            var methods = new JsonObject();
            foreach (Operation operation in path)
#pragma warning disable CA1308 // OpenAPI has methods in lower case.
                methods[operation.Method.ToLowerInvariant()] = Describe(operation);
#pragma warning restore CA1308
            paths[path.Key] = methods;
        }
        return paths;
    }

    private JsonObject Describe(Operation operation)
    {
        var parameters = new JsonArray();
        foreach (string name in operation.Segments.Select(Operation.NameOf).OfType<string>())
            parameters.Add((JsonNode)Parameter(name, "path", "string", null));
        foreach (QueryParameter query in operation.Query)
            parameters.Add((JsonNode)Parameter(query.Name, "query", query.Type, query.Description));
        var done = new JsonObject { ["description"] = "done" };
        if (operation.Response is { } response)
            done["content"] = Content(operation.ResponseContentType, response);
        var description = new JsonObject
        {
            ["summary"] = operation.Summary,
            ["parameters"] = parameters,
            ["responses"] = new JsonObject
            {
                [$"{operation.Status}"] = done,
                ["default"] = new JsonObject
                {
                    ["description"] = "what is wrong, and what to do",
                    ["content"] = Content(ProblemInfo.ContentType, ControlJson.Default.ProblemInfo),
                },
            },
        };
        if (operation.Request is { } request)
        {
            description["requestBody"] = new JsonObject
            {
                ["required"] = true,
                ["content"] = Content("application/json", request),
            };
        }
        return description;
    }

    private static JsonObject Parameter(string name, string place, string type, string? description)
    {
        var parameter = new JsonObject
        {
            ["name"] = name,
            ["in"] = place,
            ["required"] = place == "path",
            ["schema"] = new JsonObject { ["type"] = type },
        };
        if (description is not null)
            parameter["description"] = description;
        return parameter;
    }

    private JsonObject Content(string contentType, JsonTypeInfo type) =>
        new() { [contentType] = new JsonObject { ["schema"] = Schema(type) } };

    private JsonObject Schema(JsonTypeInfo type)
    {
        if (type.Kind == JsonTypeInfoKind.Enumerable)
        {
            JsonTypeInfo element = type.Options.GetTypeInfo(type.ElementType!);
            return new JsonObject { ["type"] = "array", ["items"] = Schema(element) };
        }
        string name = type.Type.Name;
        if (name.EndsWith("Info", StringComparison.Ordinal))
            name = name[..^4];
        if (!_schemas.ContainsKey(name))
            _schemas[name] = type.GetJsonSchemaAsNode(s_schemas);
        return new JsonObject { ["$ref"] = $"#/components/schemas/{name}" };
    }
}
