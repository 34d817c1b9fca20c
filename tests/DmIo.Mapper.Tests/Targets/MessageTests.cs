namespace DmIo.Mapper.Tests;

public sealed class MessageTests
{
    // Goal: a target that takes no messages says so, and which one it is.
    [TestCase("0 100 linear leg0 0\n100 100 error", 100, "Target type does not support messages: error at sector 100")]
    [TestCase("0 100 linear leg0 0\n100 100 error", 99, "Target type does not support messages: linear at sector 0")]
    [TestCase("0 100 linear leg0 0", 100, "there is no sector 100; it has 0 to 99")]
    [TestCase("0 100 linear leg0 0", -1, "there is no sector -1; it has 0 to 99")]
    public void Who_takes_no_messages_says_so(string table, long sector, string problem)
    {
        MirrorRig rig = new MirrorRig { TableText = table }.Start();
        Assert.That(Refusal(rig, sector, "hello"), Does.Contain(problem));
    }

    // Goal: an empty message, and one after the stop, are refused.
    [Test]
    public void Nothing_is_sent_without_words_or_after_the_stop()
    {
        MirrorRig rig = new MirrorRig { TableText = "0 100 zero" }.Start();
        Assert.That(Refusal(rig, 0), Does.Contain("the message is empty"));
        rig.Loop.Finish(rig.Device.StopAsync());
        Assert.That(Refusal(rig, 0, "hello"), Does.Contain("is stopped"));
    }

    // Goal: messages may be sent from any thread.
    [Test]
    public void Messages_come_from_any_thread()
    {
        MirrorRig rig = new MirrorRig { TableText = "0 100 zero" }.Start();
        Assert.That(
            () => rig.Loop.RunBeside(() => rig.Device.MessageAsync(new(0), ["hello"]).GetAwaiter().GetResult()),
            Throws.TypeOf<MapperException>().With.Message.Contains("zero at sector 0 takes none"));
    }

    private static string Refusal(MirrorRig rig, long sector, params string[] words)
    {
        Task<string> answer = rig.Device.MessageAsync(new Sectors(sector), words);
        rig.Loop.RunUntilIdle();
        Assert.That(answer.IsFaulted);
        Assert.That(answer.Exception!.InnerException, Is.InstanceOf<MapperException>());
        return answer.Exception.InnerException!.Message;
    }
}
