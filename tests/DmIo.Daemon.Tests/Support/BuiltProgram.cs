using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>
/// The program as users get it: published. DMIO_NBD names one that is published already; otherwise it is published once
/// for the whole run.
/// </summary>
[SetUpFixture]
public sealed class BuiltProgram
{
    private static Scratch? s_scratch;

    public static string Path { get; private set; } = "";

    /// <summary>The repository's top directory.</summary>
    public static string Repository { get; } = FindRepository();

    [OneTimeSetUp]
    public void Publish()
    {
        if (Environment.GetEnvironmentVariable("DMIO_NBD") is { Length: > 0 } given)
        {
            Path = given;
            return;
        }
        s_scratch = new Scratch();
        // Some tests run the program as another user.
        File.SetUnixFileMode(s_scratch.Directory, (UnixFileMode)0b111_101_101);
        string output = s_scratch["publish"];
        Tool.Run("dotnet", "publish", $"{Repository}/src/DmIo.Daemon", "-c", "Release", "-o", output).MustSucceed();
        Path = System.IO.Path.Combine(output, "dmio-nbd");
    }

    [OneTimeTearDown]
    public void Remove() => s_scratch?.Dispose();

    private static string FindRepository()
    {
        string directory = AppContext.BaseDirectory;
        while (!File.Exists(System.IO.Path.Combine(directory, "dmio-nbd.sln")))
            directory = System.IO.Path.GetDirectoryName(directory)!;
        return directory;
    }
}
