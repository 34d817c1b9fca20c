using System.Diagnostics;
using System.Globalization;
using DmIo.Daemon.Tests;

// Changes a mirror under load for as many minutes, or as often, as is asked for: see README.md.
double minutes = 5;
int changes = int.MaxValue;
var options = new ChangeOptions(1);
for (int i = 0; i < args.Length; i++)
{
    string value = i + 1 < args.Length ? args[i + 1] : "";
    bool isNumber = int.TryParse(value, CultureInfo.InvariantCulture, out int number);
    switch (args[i])
    {
        case "--disk-log":
            options = options with { DiskLog = true };
            continue;
        case "--direct":
            options = options with { Direct = true };
            continue;
        case "--minutes" when double.TryParse(value, CultureInfo.InvariantCulture, out minutes) && minutes > 0:
            break;
        case "--changes" when isNumber && number > 0:
            changes = number;
            break;
        case "--connections" when isNumber && number > 0:
            options = options with { Connections = number };
            break;
        case "--seed" when isNumber:
            options = options with { Seed = number };
            break;
        default:
            Console.Error.WriteLine(
                "usage: dotnet run -c Release --project tests/changes -- [--minutes 5] [--changes N] [--seed 1] [--disk-log] "
                + "[--direct] [--connections 3]");
            return 2;
    }
    i++;
}
var program = new BuiltProgram();
program.Publish();
try
{
    var watch = Stopwatch.StartNew();
    using var run = new ChangeRun(options, Console.Out);
    run.Run(done => done < changes && watch.Elapsed.TotalMinutes < minutes);
    Console.WriteLine($"{watch.Elapsed.TotalSeconds:F0} s");
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
