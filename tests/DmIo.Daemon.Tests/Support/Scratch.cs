namespace DmIo.Daemon.Tests;

/// <summary>
/// A directory of a test's own, on a disk rather than in memory where there is one; gone after the test.
/// </summary>
public sealed class Scratch : IDisposable
{
    public Scratch() => Directory = System.IO.Directory.CreateTempSubdirectory("dmio-nbd-").FullName;

    public string Directory { get; }

    public string this[string name] => Path.Combine(Directory, name);

    /// <summary>Makes a sparse file.</summary>
    public string Sparse(string name, long sizeBytes)
    {
        using FileStream file = File.Create(this[name]);
        file.SetLength(sizeBytes);
        return this[name];
    }

    public string Write(string name, string text)
    {
        File.WriteAllText(this[name], text);
        return this[name];
    }

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);
}
