using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>What a verb says when it does not do what was asked: only what helps whoever asked.</summary>
public sealed class SentenceTests
{
    // Goal: no verb advises an option that it does not have, and what is advised works.
    [Test]
    public void A_missing_file_comes_with_advice_that_fits_the_verb()
    {
        using var volume = new ShakyVolume();
        string none = volume.Scratch["none.img"];
        string told = $"dmio-nbd: vol0: {none} does not exist; create it first (truncate -s SIZE makes a sparse one)";
        Assert.That(volume.Run("leg", "add", "vol0", none).Error, Is.EqualTo($"{told}\n"));
        Assert.That(volume.Run("leg", "replace", "vol0", "0", none).Error, Is.EqualTo($"{told}\n"));
        string linear = volume.Scratch.Write("linear", $"0 131072 linear {none} 0");
        Assert.That(volume.Run("reload", "vol0", "--table", linear).Error, Is.EqualTo($"{told}\n"));
        string mirror = volume.Scratch.Write(
            "mirror", $"0 131072 mirror core 1 1024 3 d.img 0 dm:shaky 0 {none} 0 1 handle_errors");
        Assert.That(
            volume.Run("reload", "vol0", "--table", mirror).Error,
            Is.EqualTo($"{told}; or serve without it (--degraded)\n"));
        volume.Run("reload", "vol0", "--table", mirror, "--degraded").MustSucceed();
        volume.Run("resume", "vol0").MustSucceed();
        Assert.That(volume.Lines("status", "vol0").Single(), Does.Contain($"mirror 3 d.img dm:shaky {none} ").And.Contain(" 1 AAD "));
    }

    // Goal: one mistake is one sentence, however many devices and exports are concerned by it.
    [Test]
    public void A_table_that_stands_on_itself_is_one_mistake()
    {
        using var volume = new ShakyVolume();
        string itself = volume.Scratch.Write("itself", "0 131072 linear dm:vol0 0");
        ToolResult refused = volume.Run("reload", "vol0", "--table", itself);
        Assert.That(refused.ExitCode, Is.EqualTo(2));
        Assert.That(refused.Error, Is.EqualTo(
            "dmio-nbd: vol0: the devices stand on each other: dm:vol0 -> dm:vol0; take one of them out\n"));
        volume.Run("export", "remove", "vol0").MustSucceed();
        volume.Run("create", "above", "--table", volume.Scratch.Write("above", "0 131072 linear dm:vol0 0")).MustSucceed();
        volume.Run("export", "add", "above").MustSucceed();
        string circle = volume.Scratch.Write("circle", "0 131072 linear dm:above 0");
        Assert.That(volume.Run("reload", "vol0", "--table", circle).Error.Split('\n'), Has.Length.EqualTo(2));
    }

    [TestCase("leg add", "dmio-nbd leg add --help", "Required argument 'VOL' missing")]
    [TestCase("check vol0 --fast", "dmio-nbd check --help", "--fast")]
    [TestCase("leg ad vol0 x", "dmio-nbd leg --help", "leg: there is no 'ad'; did you mean 'add'?")]
    [TestCase("leg", "dmio-nbd leg --help", "leg: say what to do: fail, clear, add, remove, replace")]
    [TestCase("serve --mirorr a", "dmio-nbd serve --help", "--mirorr")]
    [TestCase("--mirorr a", "dmio-nbd --help", "--mirorr")]
    public void A_usage_error_names_the_help_of_its_verb(string line, string help, string mistake)
    {
        ToolResult refused = Tool.Run(BuiltProgram.Path, line.Split(' '));
        Assert.That(refused.ExitCode, Is.EqualTo(2));
        Assert.That(refused.Error, Does.Contain(mistake).And.EndsWith($"dmio-nbd: see {help}\n"));
        string[] words = help.Split(' ')[1..];
        Assert.That(Tool.Run(BuiltProgram.Path, words).MustSucceed().Output, Does.Contain("Usage:"));
    }
}
