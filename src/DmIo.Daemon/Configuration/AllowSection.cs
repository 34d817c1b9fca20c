using System.Net;
using System.Text.Json;

namespace DmIo.Daemon.Configuration;

/// <summary>Who may connect, as a configuration file says it.</summary>
internal static class AllowSection
{
    public static AllowConfiguration Read(string file, JsonItem? item, Mistakes mistakes)
    {
        if (item is null)
            return new AllowConfiguration();
        var reader = new JsonObjectReader(file, item, mistakes);
        var networks = new List<IPNetwork>();
        foreach (JsonItem address in reader.Array("addresses"))
        {
            if (reader.AsText(address) is { } text
                && AllowConfiguration.Network(reader.PlaceOf(address), text, mistakes) is { } network)
            {
                networks.Add(network);
            }
        }
        var users = new List<uint>();
        foreach (JsonItem user in reader.Array("uids"))
        {
            string? text = user.Kind == JsonValueKind.Number ? user.Text : reader.AsText(user);
            if (text is not null && AllowConfiguration.User(reader.PlaceOf(user), text, mistakes) is { } id)
                users.Add(id);
        }
        reader.Finish();
        string place = reader.PlaceOf(item);
        return new AllowConfiguration { NetworksPlace = place, Networks = networks, UserIdsPlace = place, UserIds = users };
    }
}
