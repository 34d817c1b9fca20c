using System.Text.Json;
using System.Text.Json.Serialization;

namespace DmIo.Mapper;

/// <summary>The state file's form: JSON, so that people can read it.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MirrorState), TypeInfoPropertyName = "State")]
internal sealed partial class MirrorStateJson : JsonSerializerContext
{
    public static string Write(MirrorState state) => JsonSerializer.Serialize(state, Default.State) + "\n";

    /// <summary>Reads a state file.</summary>
    /// <exception cref="MapperException">It is newer than this program, or damaged.</exception>
    public static MirrorState Read(string text, string device, string location)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            int version = document.RootElement.GetProperty("version").GetInt32();
            if (version != MirrorState.CurrentVersion)
            {
                throw new MapperException(
                    $"{device}: its state file {location} is of version {version} and this program knows only version "
                    + $"{MirrorState.CurrentVersion}; use the program that wrote it, or remove the file and say "
                    + "--sync-from LEG with the leg that is right");
            }
            return JsonSerializer.Deserialize(text, Default.State) ?? throw Damaged(device, location, "it is empty");
        }
        catch (Exception e) when (
            e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw Damaged(device, location, e.Message);
        }
    }

    public static MapperException Damaged(string device, string location, string reason) => new(
        $"{device}: its state file {location} cannot be read ({reason}), so which legs are good is not known; restore "
        + "it, or remove it and say --sync-from LEG with the leg that is right");
}
