namespace DmIo.Mapper;

/// <summary>The state in a file of its own in the state directory.</summary>
internal sealed class FileStateStore(IoLoop loop, string path) : IStateStore
{
    private readonly DurableFile _file = new(loop, path);

    public string Location => _file.FilePath;

    public Task<string?> ReadAsync()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_file.FilePath)!);
        return _file.ReadAsync();
    }

    public Task<Errno> ReplaceAsync(string contents) => _file.ReplaceAsync(contents);

    public void Dispose() => _file.Dispose();
}
