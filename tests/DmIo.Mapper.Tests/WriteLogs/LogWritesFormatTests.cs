namespace DmIo.Mapper.Tests;

/// <summary>The bytes of a log of writes, from the kernel's documented structures.</summary>
public sealed class LogWritesFormatTests
{
    // Goal: the first sector: magic, version, number of entries, 64 bits each, and the size of a sector, 32 bits; then zeroes.
    [TestCase(512, "00020000")]
    [TestCase(4096, "00100000")]
    public void The_first_sector_is_the_kernels(int sectorBytes, string size)
    {
        byte[] sector = Dirty(sectorBytes);
        LogWritesFormat.WriteSuper(sector, 0x0102);
        Assert.That(Hex(sector, 28), Is.EqualTo("7268737766736A00" + "0100000000000000" + "0201000000000000" + size));
        Assert.That(sector.AsSpan(28).ContainsAnyExcept((byte)0), Is.False);
        Assert.That(LogWritesFormat.ReadSuper(sector, out long entries, out int read), Is.Null);
        Assert.That((entries, read), Is.EqualTo((0x0102, sectorBytes)));
    }

    // Goal: an entry: sector, number of sectors, flags and length of the text, 64 bits each, then the text, then zeroes;
    // sectors are those of the log.
    [TestCase(512, 24, 8, LogWritesFlags.Fua, "", "1800000000000000" + "0800000000000000" + "0200000000000000" + "0000000000000000")]
    [TestCase(4096, 24, 8, LogWritesFlags.Discard, "", "0300000000000000" + "0100000000000000" + "0400000000000000" + "0000000000000000")]
    [TestCase(512, 0, 0, LogWritesFlags.Flush, "", "0000000000000000" + "0000000000000000" + "0100000000000000" + "0000000000000000")]
    [TestCase(512, 0, 0, LogWritesFlags.Mark, "mkfs", "0000000000000000" + "0000000000000000" + "0800000000000000" + "0400000000000000" + "6D6B6673")]
    public void An_entry_is_the_kernels(int sectorBytes, long start, long count, LogWritesFlags flags, string mark, string hex)
    {
        byte[] sector = Dirty(sectorBytes);
        LogWritesFormat.WriteEntry(sector, flags, new Sectors(start), new Sectors(count), mark);
        int length = hex.Length / 2;
        Assert.That(Hex(sector, length), Is.EqualTo(hex));
        Assert.That(sector.AsSpan(length).ContainsAnyExcept((byte)0), Is.False);
        Assert.That(
            LogWritesFormat.ReadEntry(sector, 7),
            Is.EqualTo(new LogWritesEntry(7, flags, new Sectors(start), new Sectors(count), mark)));
    }

    // Goal: what is no log, or a damaged one, is not taken for one.
    [TestCase(0, 0x73, "is no log of writes")]
    [TestCase(8, 2, "of version 2")]
    [TestCase(23, 0x80, "damaged")]
    [TestCase(24, 1, "damaged")]
    [TestCase(25, 0, "damaged")]
    [TestCase(27, 0x7F, "damaged")]
    public void A_damaged_first_sector_is_refused(int at, byte value, string problem)
    {
        byte[] sector = new byte[512];
        LogWritesFormat.WriteSuper(sector, 3);
        sector[at] = value;
        Assert.That(LogWritesFormat.ReadSuper(sector, out _, out _), Does.Contain(problem));
    }

    // Goal: an entry with numbers that cannot be is not taken for one.
    [TestCase(7)]
    [TestCase(15)]
    [TestCase(31)]
    public void A_damaged_entry_is_refused(int at)
    {
        byte[] sector = new byte[512];
        LogWritesFormat.WriteEntry(sector, LogWritesFlags.Mark, new(0), new(0), "text");
        sector[at] = 0xFF;
        Assert.That(LogWritesFormat.ReadEntry(sector, 0), Is.Null);
    }

    private static byte[] Dirty(int bytes)
    {
        byte[] sector = new byte[bytes];
        sector.AsSpan().Fill(0xAA);
        return sector;
    }

    private static string Hex(byte[] sector, int length) => Convert.ToHexString(sector.AsSpan(0, length));
}
