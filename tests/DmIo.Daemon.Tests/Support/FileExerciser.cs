using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace DmIo.Daemon.Tests;

/// <summary>
/// Reads and writes a file at random places, by calls and through mapped memory, and holds what is read against what was
/// written. All choices come from the seed; several exercisers may share a file, each in a range of its own that need not begin
/// where a page does.
/// </summary>
public sealed class FileExerciser(string path, int seed, long offset, int count) : IDisposable
{
    private readonly Random _random = new(seed);
    private readonly byte[] _model = new byte[count];
    private readonly SafeFileHandle _file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);

    /// <summary>What the range must hold.</summary>
    public ReadOnlyMemory<byte> Model => _model;

    /// <summary>Takes so many steps.</summary>
    /// <exception cref="InvalidDataException">Something else was read than had been written.</exception>
    public void Run(int steps)
    {
        for (int step = 0; step < steps; step++)
        {
            int at = _random.Next(count);
            int length = Math.Min(_random.Next(1, 1 << _random.Next(1, 19)), count - at);
            switch (_random.Next(16))
            {
                case < 6:
                    Read(step, at, length);
                    break;
                case < 12:
                    _random.NextBytes(_model.AsSpan(at, length));
                    RandomAccess.Write(_file, _model.AsSpan(at, length), offset + at);
                    break;
                case 12:
                    _model.AsSpan(at, length).Clear();
                    RandomAccess.Write(_file, _model.AsSpan(at, length), offset + at);
                    break;
                case 13:
                    RandomAccess.FlushToDisk(_file);
                    break;
                default:
                    Map(step, at, length);
                    break;
            }
        }
        Read(steps, 0, count);
        RandomAccess.FlushToDisk(_file);
    }

    public void Dispose() => _file.Dispose();

    private void Read(int step, int at, int length)
    {
        byte[] bytes = new byte[length];
        for (int done = 0; done < length;)
        {
            int n = RandomAccess.Read(_file, bytes.AsSpan(done), offset + at + done);
            done += n > 0 ? n : throw new InvalidDataException($"seed {seed}, step {step}: the file ends at {offset + at + done}");
        }
        Check(step, at, bytes, "read");
    }

    // Reads and writes through mapped memory, which calls must see at once.
    private void Map(int step, int at, int length)
    {
        using var mapped = MemoryMappedFile.CreateFromFile(
            _file, null, 0, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
        using MemoryMappedViewAccessor view = mapped.CreateViewAccessor(offset + at, length);
        byte[] bytes = new byte[length];
        view.ReadArray(0, bytes, 0, length);
        Check(step, at, bytes, "read through mapped memory");
        int from = _random.Next(length);
        int changed = _random.Next(1, length - from + 1);
        _random.NextBytes(_model.AsSpan(at + from, changed));
        view.WriteArray(from, _model, at + from, changed);
        if (_random.Next(2) == 0)
            view.Flush();
    }

    private void Check(int step, int at, byte[] bytes, string how)
    {
        int wrong = bytes.AsSpan().CommonPrefixLength(_model.AsSpan(at, bytes.Length));
        if (wrong < bytes.Length)
            throw new InvalidDataException($"seed {seed}, step {step}: byte {offset + at + wrong} {how} is not what was written");
    }
}
