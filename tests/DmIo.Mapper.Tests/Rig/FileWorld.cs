using DmIo.Testing;

namespace DmIo.Mapper.Tests;

/// <summary>A real loop and the files that were opened on it.</summary>
internal sealed class FileWorld : IDeviceSource, IAsyncDisposable
{
    private readonly Dictionary<string, FileDevice> _files = [];

    public FileWorld()
    {
        Loop = KernelLoop.Open("test", LoopBackend.Threads, out _);
        Loop.Start();
    }

    public KernelLoop Loop { get; }

    public BlockDevice Find(string deviceArgument)
    {
        if (!_files.TryGetValue(deviceArgument, out FileDevice? file))
            _files.Add(deviceArgument, file = FileDevice.Open(Loop, new FileDeviceOptions { Path = deviceArgument }));
        return file;
    }

    public async Task<Errno> WriteAsync(BlockDevice device, long sector, byte[] data)
    {
        var buffer = new TestBuffer(data.Length);
        data.CopyTo(buffer.Span);
        return (await RunAsync(device, TestRequest.Write(new Sectors(sector), buffer))).Error;
    }

    public async Task<byte[]> ReadAsync(BlockDevice device, long sector, int lengthBytes)
    {
        var buffer = new TestBuffer(lengthBytes);
        TestRequest request = await RunAsync(device, TestRequest.Read(new Sectors(sector), buffer));
        Assert.That(request.Error, Is.EqualTo(Errno.None));
        return buffer.Span.ToArray();
    }

    public async ValueTask DisposeAsync()
    {
        await Loop.InvokeAsync(async () =>
        {
            foreach (FileDevice file in _files.Values)
                await file.DisposeAsync();
        });
        Loop.Dispose();
    }

    private Task<TestRequest> RunAsync(BlockDevice device, TestRequest request)
    {
        var done = new TaskCompletionSource<TestRequest>(TaskCreationOptions.RunContinuationsAsynchronously);
        request.OnCompleted = done.SetResult;
        return Loop.InvokeAsync(() =>
        {
            device.Submit(request);
            return new ValueTask<TestRequest>(done.Task);
        });
    }
}
