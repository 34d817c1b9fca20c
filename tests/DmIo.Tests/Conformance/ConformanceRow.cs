namespace DmIo.Tests.Conformance;

/// <summary>One rule of the service: its number, what it says, and a check of it.</summary>
internal sealed record ConformanceRow(string Rule, string Says, Action<ConformanceBench> Check)
{
    public override string ToString() => $"{Rule} {Says}";
}
