namespace DmIo.Daemon.Tests;

/// <summary>
/// Valid requests that a seed determines, the same for every server: what is read must be what was written, so all servers
/// answer alike and hold the same at the end.
/// </summary>
internal static class RequestSequence
{
    private const int Requests = 600;
    private const int MostBytes = 300_000;

    /// <summary>Where the requests are: so small that they meet often.</summary>
    private const int AreaBytes = 4 << 20;

    public static IEnumerable<Probe> All(int seed) =>
        from form in (string[])["simple", "structured"]
        select new Probe($"{Requests} random requests, {form}", c => Play(c, form == "structured", new Random(seed)));

    private static void Play(RawClient client, bool structured, Random random)
    {
        client.Greet();
        if (structured && !client.AgreeOnStructured())
        {
            client.Hear(Probe.NotOffered);
            return;
        }
        bool trims = (client.GoOn().Export.Flags & 1 << 5) != 0;
        bool zeroes = (client.Export.Flags & 1 << 6) != 0;
        for (int i = 0; i < Requests; i++)
        {
            int block = random.Next(3) switch { 0 => 1, 1 => 512, _ => 4096 };
            ulong offset = (ulong)(random.Next(AreaBytes - MostBytes) / block * block);
            uint length = (uint)Math.Max(random.Next(1 << random.Next(1, 19)) / block * block, block);
            int flags = random.Next(8) == 0 ? Wire.Fua : 0;
            int type = random.Next(10) switch
            {
                < 4 => Wire.Write,
                < 7 => Wire.Read,
                7 => Wire.WriteZeroes,
                8 => Wire.Trim,
                _ => Wire.Flush,
            };
            if (type == Wire.WriteZeroes && random.Next(2) == 0)
                flags |= Wire.NoHole;
            // What is not offered must not be asked for: zeroes are written there, and trims do nothing.
            if (type == Wire.Trim && !trims || type == Wire.WriteZeroes && !zeroes)
                (type, flags) = (Wire.Read, 0);
            if (type == Wire.Flush)
                (offset, length) = (0, 0);
            string answer = client.Call(
                type, flags, offset, length, type == Wire.Write ? client.Payload(offset, length) : []);
            if (answer != "ok")
            {
                client.Hear($"request {i}, type {type}, flags {flags}, {length} bytes at {offset}: {answer}");
                return;
            }
        }
        client.Hear("ok");
    }
}
