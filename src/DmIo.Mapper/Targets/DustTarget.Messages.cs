using System.Globalization;

namespace DmIo.Mapper;

// The kernel's messages, with its answers.
internal sealed partial class DustTarget
{
    private const int MaxWriteFailures = 255;

    private const string Known = "known are addbadblock BLOCK [WRITE_FAILURES], removebadblock BLOCK, queryblock BLOCK, "
        + "countbadblocks, listbadblocks, clearbadblocks, enable, disable and quiet";

    public override ValueTask<string> MessageAsync(IReadOnlyList<string> words)
    {
        string name = words[0].ToLowerInvariant();
        return new(words.Count switch
        {
            1 => Do(name, words[0]),
            2 => Do(name, words[0], BlockNumber(words[1])),
            3 when name == "addbadblock" => Add(BlockNumber(words[1]), WriteFailures(words[2])),
            3 => throw Unknown(words[0]),
            _ => throw Problem($"invalid number of arguments '{words.Count}'; {Known}"),
        });
    }

    private string Do(string name, string word)
    {
        switch (name)
        {
            case "addbadblock" or "removebadblock" or "queryblock":
                throw Problem($"{name} requires an additional argument, the number of a block");
            case "enable":
                _failsReads = true;
                MapperLog.Dust(Host.Logger, Host.Name, "enabling read failures on bad sectors");
                return "";
            case "disable":
                _failsReads = false;
                MapperLog.Dust(Host.Logger, Host.Name, "disabling read failures on bad sectors");
                return "";
            case "quiet":
                _isQuiet = !_isQuiet;
                return "";
            case "countbadblocks":
                return $"countbadblocks: {_bad.Count} badblock(s) found";
            case "listbadblocks":
                return string.Join('\n', _bad.All);
            case "clearbadblocks":
                bool hadSome = _bad.Count > 0;
                _bad.Clear();
                return hadSome ? "dust_clear_badblocks: badblocks cleared" : "dust_clear_badblocks: no badblocks found";
            default:
                throw Unknown(word);
        }
    }

    private string Do(string name, string word, long block)
    {
        switch (name)
        {
            case "addbadblock":
                return Add(block, 0);
            case "removebadblock":
                if (!_bad.Remove(block))
                    throw Problem($"block {block} not found in badblocklist");
                Tell($"badblock removed at block {block}");
                return "";
            case "queryblock":
                return $"dust_query_block: block {block} {(_bad.Contains(block) ? "found" : "not found")} in badblocklist";
            default:
                throw Unknown(word);
        }
    }

    private string Add(long block, int writeFailures)
    {
        if (!_bad.TryAdd(block, writeFailures))
            throw Problem($"block {block} already in badblocklist; remove it first to change how often writes fail");
        Tell($"badblock added at block {block} with write fail count {writeFailures}");
        return "";
    }

    private long BlockNumber(string word)
    {
        long last = (_leg.Device.Length.Count - 1) / _sectorsPerBlock;
        if (!long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out long block))
            throw Problem($"'{word}' is no number of a block; {_leg.Argument} has blocks 0 to {last}");
        return block <= last
            ? block
            : throw Problem($"selected block value out of range: {_leg.Argument} has blocks 0 to {last}");
    }

    private int WriteFailures(string word) =>
        int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count <= MaxWriteFailures
            ? count
            : throw Problem($"selected write fail count out of range: '{word}'; take 0 to {MaxWriteFailures}");

    private MapperException Unknown(string word) => Problem($"unrecognized message '{word}' received; {Known}");

    private MapperException Problem(string what) => new($"{Host.Name}: dust: {what}");
}
