using DmIo.Nbd.Edge;
using DmIo.Nbd.Transmission;

namespace DmIo.Nbd.Status;

/// <summary>
/// BLOCK_STATUS: one chunk for each context that is asked for, written into the request's buffer. A cold path: it
/// allocates, and what it has to look up in a file is looked up off the loop.
/// </summary>
internal sealed class StatusPlan : RequestPlan
{
    public static readonly StatusPlan Instance = new();

    public override void Start(NbdRequest request) =>
        _ = request.Connection.Device.Loop.InvokeAsync(() => AnswerAsync(request));

    public override void Continue(NbdRequest request, Errno error) => throw new NotSupportedException("It has no steps.");

    private static async ValueTask AnswerAsync(NbdRequest request)
    {
        int bytes;
        try
        {
            bytes = await WriteChunksAsync(request);
        }
#pragma warning disable CA1031 // Nobody waits for the task, and the client for its answer.
        catch (Exception e)
#pragma warning restore CA1031
        {
            request.Connection.FailStatus(request, e);
            return;
        }
        request.FinishWith(bytes);
    }

    private static async ValueTask<int> WriteChunksAsync(NbdRequest request)
    {
        int at = 0;
        int left = request.Contexts.Length;
        foreach (MetaContext context in request.Contexts)
        {
            StatusChunk chunk = request.BeginChunk(at);
            if (context.Question is { } question)
                LegStatus.Read(request, question, chunk);
            else
                await AllocationStatus.ReadAsync(request, chunk);
            at += chunk.Finish(request, context, isLast: --left == 0);
        }
        return at;
    }
}
