using DmIo.Testing;

namespace DmIo.Tests;

internal static class DeviceExtensions
{
    /// <summary>Submits a request on the device's loop; the task ends with it.</summary>
    public static async ValueTask<TestRequest> DoAsync(this BlockDevice device, TestRequest request)
    {
        var done = new TaskCompletionSource();
        request.OnCompleted = _ => done.SetResult();
        device.Submit(request);
        Assert.That(request.IsCompleted, Is.False, "completed inside Submit");
        await done.Task;
        Assert.That(request.Completions, Is.EqualTo(1));
        return request;
    }

    /// <summary>Does a request that must succeed.</summary>
    public static async ValueTask MustDoAsync(this BlockDevice device, TestRequest request)
    {
        await device.DoAsync(request);
        Assert.That(request.Error, Is.EqualTo(Errno.None), $"{request.Operation} failed at {request.FailedAt}");
    }
}
