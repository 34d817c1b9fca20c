namespace DmIo.Daemon.Configuration;

/// <summary>TLS as a configuration file says it.</summary>
internal static class TlsSection
{
    public static TlsConfiguration Read(string file, JsonItem? item, string baseDirectory, Mistakes mistakes)
    {
        if (item is null)
            return new TlsConfiguration();
        var reader = new JsonObjectReader(file, item, mistakes);
        JsonItem? mode = reader.Take("mode");
        string? directory = reader.Text("certificates");
        var tls = new TlsConfiguration
        {
            Place = reader.PlaceOf(item),
            Mode = reader.AsText(mode) is { } word ? Words.Tls(reader.PlaceOf(mode!), word, mistakes) : TlsMode.Require,
            Certificates = directory is null ? null : Path.GetFullPath(directory, baseDirectory),
            VerifyPeer = reader.Flag("verifyPeer"),
            Allow = [.. reader.Array("allow").Select(reader.AsText).OfType<string>()],
        };
        reader.Finish();
        return tls;
    }
}
