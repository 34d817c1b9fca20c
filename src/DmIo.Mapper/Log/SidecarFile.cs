using System.Diagnostics.CodeAnalysis;

namespace DmIo.Mapper;

/// <summary>The file for a record's bitmaps where the log device is too short for them.</summary>
internal static class SidecarFile
{
    /// <summary>Opens it, made if it is missing and as long as is asked for.</summary>
    /// <exception cref="MapperException">It cannot be had.</exception>
    [SuppressMessage("Performance", "CA1849", Justification = "Once, at a start.")]
    public static BlockDevice Open(IoLoop loop, string path, long bytes)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using (FileStream file = File.Open(path, FileMode.OpenOrCreate, FileAccess.ReadWrite))
            {
                if (file.Length < bytes)
                    file.SetLength(bytes);
            }
            return FileDevice.Open(loop, new FileDeviceOptions { Path = path });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MapperException(
                $"the record {path} cannot be opened ({e.Message}); make it accessible, or take a longer log device");
        }
    }
}
