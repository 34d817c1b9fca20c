using System.Text.Json.Serialization;
using DmIo.Daemon.Verbs;

namespace DmIo.Daemon.Control;

/// <summary>How the control interface's messages are written and read.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(DaemonInfo))]
[JsonSerializable(typeof(VolumeInfo))]
[JsonSerializable(typeof(IReadOnlyList<VolumeInfo>))]
[JsonSerializable(typeof(EventNumberInfo))]
[JsonSerializable(typeof(EventInfo))]
[JsonSerializable(typeof(IReadOnlyList<ConnectionInfo>))]
[JsonSerializable(typeof(ExportInfo))]
[JsonSerializable(typeof(IReadOnlyList<ExportInfo>))]
[JsonSerializable(typeof(ProblemInfo))]
[JsonSerializable(typeof(TableRequest))]
[JsonSerializable(typeof(CreateRequest))]
[JsonSerializable(typeof(ExportRequest))]
[JsonSerializable(typeof(LegRequest))]
[JsonSerializable(typeof(MessageRequest))]
[JsonSerializable(typeof(MessageAnswer))]
[JsonSerializable(typeof(GrowRequest))]
[JsonSerializable(typeof(ScrubReportInfo))]
[JsonSerializable(typeof(RegionMapInfo))]
[JsonSerializable(typeof(IReadOnlyList<WriteLogEntryInfo>))]
[JsonSerializable(typeof(ReplayInfo))]
internal sealed partial class ControlJson : JsonSerializerContext;
