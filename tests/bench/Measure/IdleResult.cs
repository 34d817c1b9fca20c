namespace DmIo.SideBySide.Measure;

/// <summary>What a server costs before it does anything: medians over several starts.</summary>
internal sealed record IdleResult(
    string Name,
    double StartUpMs,
    double SlowestStartUpMs,
    double PssMib,
    double RssMib,
    double ConnectedPssMib,
    double ConnectedRssMib);
