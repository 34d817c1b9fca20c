namespace DmIo.Tests;

/// <summary>What the kernel's ring answers, and where a transfer is taken up again.</summary>
internal sealed class FileRingWorkTests
{
    // Goal: a transfer goes on exactly behind what was done, past the page cache at a whole block, and one that does not
    // get on ends instead of being tried for ever.
    [TestCase(0, 8192, 1, ExpectedResult = 8192, TestName = "Whole")]
    [TestCase(0, 1000, 1, ExpectedResult = 1000, TestName = "Short, buffered")]
    [TestCase(0, 5000, 4096, ExpectedResult = 4096, TestName = "Short, direct, ends in a block")]
    [TestCase(4096, 4096, 4096, ExpectedResult = 8192, TestName = "The rest after a short one")]
    public long A_transfer_is_taken_up_where_it_can_be(long doneBytes, int result, int unitBytes)
    {
        Assert.That(FileRingWork.Advance(ref doneBytes, result, 8192, unitBytes), Is.EqualTo(Errno.None));
        return doneBytes;
    }

    [TestCase(0, 1, Errno.EIO, TestName = "Nothing came: the file has become shorter")]
    [TestCase(1000, 4096, Errno.EIO, TestName = "Less than a block came, direct")]
    [TestCase(-28, 1, Errno.ENOSPC, TestName = "An error")]
    [TestCase(-11, 1, Errno.EAGAIN, TestName = "The kernel would have to wait")]
    public void A_transfer_that_does_not_get_on_says_why(int result, int unitBytes, Errno expected)
    {
        // Goal: what was done before stays known, for the failing sector.
        long doneBytes = 4096;
        Assert.That(FileRingWork.Advance(ref doneBytes, result, 8192, unitBytes), Is.EqualTo(expected));
        Assert.That(doneBytes, Is.EqualTo(4096));
    }
}
