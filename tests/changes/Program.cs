using System.Diagnostics;
using System.Globalization;
using DmIo.Daemon.Tests;

// Changes a mirror under load for as many minutes, or as often, as is asked for: see README.md.
double minutes = 5;
int changes = int.MaxValue;
int seed = 1;
for (int i = 0; i < args.Length; i += 2)
{
    string value = i + 1 < args.Length ? args[i + 1] : "";
    if (args[i] == "--minutes" && double.TryParse(value, CultureInfo.InvariantCulture, out minutes) && minutes > 0)
        continue;
    if (args[i] == "--changes" && int.TryParse(value, CultureInfo.InvariantCulture, out changes) && changes > 0)
        continue;
    if (args[i] == "--seed" && int.TryParse(value, CultureInfo.InvariantCulture, out seed))
        continue;
    Console.Error.WriteLine(
        "usage: dotnet run -c Release --project tests/changes -- [--minutes 5] [--changes N] [--seed 1]");
    return 2;
}
var program = new BuiltProgram();
program.Publish();
try
{
    var watch = Stopwatch.StartNew();
    using var run = new ChangeRun(seed, Console.Out);
    run.Run(done => done < changes && watch.Elapsed.TotalMinutes < minutes);
    return 0;
}
catch (Exception e) when (e is InvalidDataException or InvalidOperationException or TimeoutException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
finally
{
    program.Remove();
}
