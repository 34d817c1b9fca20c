namespace DmIo.Tests;

/// <summary>A directory of one test, removed with all that is in it.</summary>
internal sealed class TestDirectory : IDisposable
{
    private bool _mounted;

    private TestDirectory(string parent)
    {
        FullPath = Path.Combine(parent, $"dmio-test-{Guid.NewGuid():N}");
        Directory.CreateDirectory(FullPath);
    }

    public string FullPath { get; }

    /// <summary>On a disk: beside the test's own files, or where DMIO_TEST_DISK says.</summary>
    public static TestDirectory OnDisk() =>
        new(Environment.GetEnvironmentVariable("DMIO_TEST_DISK") ?? TestContext.CurrentContext.WorkDirectory);

    /// <summary>In memory.</summary>
    public static TestDirectory InMemory() => new("/dev/shm");

    /// <summary>A file system in memory that has room for so many KiB of data.</summary>
    public static TestDirectory Tiny(int sizeKiB)
    {
        TestDirectory directory = InMemory();
        try
        {
            HostTool.Run("mount", "-t", "tmpfs", "-o", $"size={sizeKiB}k", "tmpfs", directory.FullPath);
        }
        catch
        {
            directory.Dispose();
            throw;
        }
        directory._mounted = true;
        return directory;
    }

    public string File(string name) => Path.Combine(FullPath, name);

    /// <summary>Makes a sparse file.</summary>
    public string Sparse(string name, Sectors length)
    {
        using FileStream file = System.IO.File.Create(File(name));
        file.SetLength(length.Bytes);
        return file.Name;
    }

    public void Dispose()
    {
        if (_mounted)
            HostTool.Run("umount", FullPath);
        Directory.Delete(FullPath, recursive: true);
    }
}
