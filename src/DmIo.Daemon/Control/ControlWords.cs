using System.Text.Json;

namespace DmIo.Daemon.Control;

/// <summary>Values of enumerations as the interface writes them.</summary>
internal static class ControlWords
{
    public static string Of<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());
}
