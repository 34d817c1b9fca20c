using DmIo.Testing;

namespace DmIo.Tests;

/// <summary>A loop of one of the kinds that devices must work on, with a way to run a function there to its end.</summary>
internal sealed class LoopUnderTest : IDisposable
{
    // Arbitrary: what is stuck fails its test instead of hanging the run.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly ManualLoop? _manual;
    private readonly KernelLoop? _kernel;

    public LoopUnderTest(string kind)
    {
        if (kind == "manual")
        {
            _manual = new ManualLoop();
            Loop = _manual;
            return;
        }
        LoopBackend backend = kind == "io_uring" ? LoopBackend.IoUring : LoopBackend.Threads;
        _kernel = KernelLoop.Open($"test {kind}", backend, out _);
        _kernel.Start();
        Loop = _kernel;
    }

    public IoLoop Loop { get; }

    public T Run<T>(Func<ValueTask<T>> action) =>
        _manual is not null ? _manual.Run(action) : Loop.InvokeAsync(action).WaitAsync(s_patience).GetAwaiter().GetResult();

    public void Run(Func<ValueTask> action) => Run(async () =>
    {
        await action();
        return true;
    });

    public void Dispose() => _kernel?.Dispose();
}
