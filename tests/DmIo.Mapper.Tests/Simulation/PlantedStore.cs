namespace DmIo.Mapper.Tests;

/// <summary>A state file of which a <see cref="PlantedFault"/> changes what is read.</summary>
internal sealed class PlantedStore(IStateStore store, Func<string, string> reads) : IStateStore
{
    public string Location => store.Location;

    public async Task<string?> ReadAsync() => await store.ReadAsync() is { } text ? reads(text) : null;

    public Task<Errno> ReplaceAsync(string contents) => store.ReplaceAsync(contents);

    public void Dispose() => store.Dispose();
}
