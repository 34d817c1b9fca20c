namespace DmIo.Tests;

internal sealed class SectorsTests
{
    [Test]
    public void Bytes_and_sectors_convert_without_loss_or_not_at_all()
    {
        // What is not a whole number of sectors is an error, never rounded in silence.
        Assert.That(Sectors.FromBytes(1 << 20), Is.EqualTo(new Sectors(2048)));
        Assert.That(new Sectors(long.MaxValue >> 9).Bytes, Is.EqualTo(long.MaxValue & ~511L));
        foreach (long odd in new[] { 1L, 511, 513, -512 })
            Assert.That(() => Sectors.FromBytes(odd), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [TestCase(0, 0, 0)]
    [TestCase(1, 0, 1)]
    [TestCase(511, 0, 1)]
    [TestCase(512, 1, 1)]
    [TestCase(513, 1, 2)]
    [TestCase(long.MaxValue, long.MaxValue >> 9, (long.MaxValue >> 9) + 1)]
    public void Floor_and_ceiling_round_as_they_say(long bytes, long floor, long ceiling)
    {
        // The edge of an export rounds in one direction or the other, to the largest sizes.
        Assert.That((Sectors.Floor(bytes).Count, Sectors.Ceiling(bytes).Count), Is.EqualTo((floor, ceiling)));
    }

    [Test]
    public void Sectors_compare_and_count_like_numbers()
    {
        // The operators do what they look like, and text is the bare count that device-mapper prints.
        Sectors two = new(2);
        Sectors five = new(5);
        Assert.That((two + five, five - two), Is.EqualTo((new Sectors(7), new Sectors(3))));
        Assert.That((Sectors.Min(two, five), Sectors.Max(two, five)), Is.EqualTo((two, five)));
        Assert.That(two < five && two <= five && five > two && five >= two && !(two > five), Is.True);
        Assert.That(two.CompareTo(five), Is.Negative);
        Assert.That(five.ToString(), Is.EqualTo("5"));
    }
}
