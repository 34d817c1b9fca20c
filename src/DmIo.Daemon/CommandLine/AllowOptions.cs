using System.CommandLine;
using DmIo.Daemon.Configuration;

namespace DmIo.Daemon.CommandLine;

/// <summary>The options of serve that say who may connect; they win over what a file says.</summary>
internal sealed class AllowOptions
{
    public Option<string[]> Address { get; } = ServeOptions.Texts(
        "--allow-address", "ADDRESS[/PREFIX]",
        "Over TCP, serve only clients with this address, or of this network; repeatable [default: all]");

    public Option<string[]> User { get; } = ServeOptions.Texts(
        "--allow-uid", "UID|NAME", "Over Unix sockets, serve only processes of this user; repeatable [default: all]");

    public IReadOnlyList<Option> All => [Address, User];

    /// <summary>What a file has said, or nothing has, changed by the options that were given.</summary>
    public AllowConfiguration Override(AllowConfiguration allow, ParseResult parsed, Mistakes mistakes)
    {
        if (parsed.GetValue(Address) is { Length: > 0 } addresses)
        {
            allow = allow with
            {
                NetworksPlace = Address.Name,
                Networks = [.. addresses.Select(a => AllowConfiguration.Network(Address.Name, a, mistakes)).OfType<System.Net.IPNetwork>()],
            };
        }
        if (parsed.GetValue(User) is { Length: > 0 } users)
        {
            allow = allow with
            {
                UserIdsPlace = User.Name,
                UserIds = [.. users.Select(u => AllowConfiguration.User(User.Name, u, mistakes)).OfType<uint>()],
            };
        }
        return allow;
    }
}
