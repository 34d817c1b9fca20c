using DmIo.Testing;

namespace DmIo.Mapper.Tests;

/// <summary>A log-writes target over a leg, with a log that can be read back.</summary>
internal sealed class LogWritesRig
{
    public LogWritesRig(long sectors = 256, long logSectors = 8192, int blockBytes = 512)
    {
        Base = new MirrorRig(legs: 0) { TableText = $"0 {sectors} log-writes data log" };
        Data = new ScriptedDevice(Base.Loop, "data", new(sectors), blockBytes);
        LogDevice = new ScriptedDevice(Base.Loop, "log", new(logSectors));
        Base.AddDevice("data", Data);
        Base.AddDevice("log", LogDevice);
    }

    public MirrorRig Base { get; }

    public ScriptedDevice Data { get; }

    public ScriptedDevice LogDevice { get; }

    /// <summary>The log as one line: <c>W8+8 F M:text</c>.</summary>
    public string Entries => string.Join(' ', Read().Select(Describe));

    public LogWritesRig Start()
    {
        Base.Start();
        return this;
    }

    public TestRequest Submit(TestRequest request) => Base.Submit(request);

    public TestRequest SubmitWrite(long sector, int seed = 1, BlockFlags flags = BlockFlags.None, long count = 8) =>
        Submit(TestRequest.Write(new(sector), TestBuffer.Random(new(count), seed), flags));

    public string Mark(string text) => Base.Loop.Finish(Base.Device.MessageAsync(new(0), ["mark", text]));

    public LogWritesReplay Open() => Base.Loop.Finish(LogWritesReplay.OpenAsync(LogDevice));

    public IReadOnlyList<LogWritesEntry> Read() => Base.Loop.Finish(Open().ReadEntriesAsync());

    /// <summary>What a device holds after a replay onto it.</summary>
    public byte[] Replay(LogWritesRange range)
    {
        var device = new ScriptedDevice(Base.Loop, "replayed", Data.Length);
        Base.Loop.Finish(Open().ReplayAsync(device, range));
        return device.Contents().ToArray();
    }

    private static string Describe(LogWritesEntry entry)
    {
        string place = entry.Count == Sectors.Zero ? "" : $"{entry.Start}+{entry.Count}";
        return entry.Flags switch
        {
            LogWritesFlags.None => "W" + place,
            LogWritesFlags.Flush => "F",
            LogWritesFlags.Fua => "U" + place,
            LogWritesFlags.Discard => "D" + place,
            LogWritesFlags.Mark => "M:" + entry.Mark,
            _ => $"{entry.Flags}{place}",
        };
    }
}
