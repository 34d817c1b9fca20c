namespace DmIo.Daemon.Control;

/// <summary>Something that can be said behind the question mark.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its JSON type: string, integer or boolean.</param>
/// <param name="Description">What it means.</param>
internal sealed record QueryParameter(string Name, string Type, string Description);
