using System.Text.Json;
using DmIo.Daemon.Hosting;
using DmIo.Mapper;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;

namespace DmIo.Daemon.Control;

/// <summary>Finds the operation that a request means, and answers every error with a problem document.</summary>
internal sealed class ControlRouter(IReadOnlyList<Operation> operations, ILogger log, CancellationToken stopping)
    : IHttpApplication<HttpContext>
{
    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public void DisposeContext(HttpContext context, Exception? exception)
    {
    }

    public async Task ProcessRequestAsync(HttpContext context)
    {
        try
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(stopping, context.RequestAborted);
            await RunAsync(context, ended.Token);
        }
        catch (ControlException e)
        {
            if (context.Request.Method != HttpMethods.Get)
                Log.ControlRefused(log, context.Request.Method, context.Request.Path, e.Message);
            await AnswerAsync(context, e.Status, e.Message);
        }
        catch (MapperException e)
        {
            Log.ControlRefused(log, context.Request.Method, context.Request.Path, e.Message);
            int status = e is NotNowException ? StatusCodes.Status409Conflict : StatusCodes.Status422UnprocessableEntity;
            await AnswerAsync(context, status, e.Message);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            await AnswerAsync(context, StatusCodes.Status503ServiceUnavailable, "the daemon is stopping");
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there who could read an answer.
        }
        catch (BadHttpRequestException e)
        {
            await AnswerAsync(context, e.StatusCode, e.Message);
        }
        catch (IOException e) when (!context.RequestAborted.IsCancellationRequested)
        {
            await AnswerAsync(context, StatusCodes.Status503ServiceUnavailable, e.Message);
        }
#pragma warning disable CA1031 // A mistake of the daemon's own must not take more with it than this request.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.ControlBug(log, context.Request.Method, context.Request.Path, e);
            await AnswerAsync(
                context, StatusCodes.Status500InternalServerError,
                "the daemon made a mistake, which its log describes; volumes are served on");
        }
    }

    private async Task RunAsync(HttpContext context, CancellationToken ended)
    {
        // The path as it was sent: decoded twice, a name with a percent sign would be another.
        string target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        string[] segments = [.. Operation.Split(target.Split('?')[0]).Select(Uri.UnescapeDataString)];
        var values = new Dictionary<string, string>();
        var allowed = new List<string>();
        foreach (Operation operation in operations)
        {
            if (!Matches(operation, segments, values))
                continue;
            if (operation.Method == context.Request.Method)
            {
                context.Response.StatusCode = operation.Status;
                await operation.Handler(new ControlCall(context, operation, values, ended));
                if (operation.Method != HttpMethods.Get)
                    Log.ControlDone(log, operation.Method, target);
                return;
            }
            allowed.Add(operation.Method);
        }
        if (allowed.Count == 0)
            throw ControlException.NotFound($"there is nothing at {context.Request.Path}; GET /openapi.json tells what there is");
        context.Response.Headers.Allow = string.Join(", ", allowed);
        throw new ControlException(
            StatusCodes.Status405MethodNotAllowed,
            $"{context.Request.Method} is not for {context.Request.Path}; take {string.Join(" or ", allowed)}");
    }

    private static bool Matches(Operation operation, string[] segments, Dictionary<string, string> values)
    {
        if (operation.Segments.Length != segments.Length)
            return false;
        values.Clear();
        for (int i = 0; i < segments.Length; i++)
        {
            if (Operation.NameOf(operation.Segments[i]) is { } name)
                values[name] = segments[i];
            else if (operation.Segments[i] != segments[i])
                return false;
        }
        return true;
    }

    private static async Task AnswerAsync(HttpContext context, int status, string detail)
    {
        if (context.Response.HasStarted)
        {
            // A stream can only break off; the client sees that it did.
            context.Abort();
            return;
        }
        context.Response.StatusCode = status;
        context.Response.ContentType = ProblemInfo.ContentType;
        var problem = new ProblemInfo(ReasonPhrases.GetReasonPhrase(status), status, detail);
        await JsonSerializer.SerializeAsync(context.Response.Body, problem, ControlJson.Default.ProblemInfo);
    }
}
