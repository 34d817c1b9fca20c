namespace DmIo.Daemon.Tests;

/// <summary>Real files in hundreds of MiB: the .NET SDK that built this.</summary>
public static class RealTree
{
    /// <summary>Makes an ext4 image of them.</summary>
    public static string MakeImage(Scratch scratch, string size)
    {
        string runtime = System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory();
        string sdk = Path.GetFullPath(Path.Combine(runtime, "../../../sdk"));
        string image = scratch["tree.ext4"];
        Tool.Run("mkfs.ext4", "-q", "-F", "-d", sdk, image, size).MustSucceed();
        return image;
    }
}
