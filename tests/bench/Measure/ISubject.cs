namespace DmIo.SideBySide.Measure;

/// <summary>A running server together with the client that loads it.</summary>
internal interface ISubject : IDisposable
{
    /// <summary>The server form's name.</summary>
    string Name { get; }

    /// <summary>Loads the server for about this long and tells what came of it.</summary>
    Turn Take(int durationMs);
}
