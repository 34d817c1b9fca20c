using System.Globalization;
using DmIo.Daemon.Tests;

// Kills a daemon under load as often as is asked for, half of the time with a log on a device: see README.md.
int kills = 1000;
int seed = 1;
for (int i = 0; i < args.Length; i += 2)
{
    string value = i + 1 < args.Length ? args[i + 1] : "";
    if (args[i] == "--kills" && int.TryParse(value, CultureInfo.InvariantCulture, out kills) && kills > 0)
        continue;
    if (args[i] == "--seed" && int.TryParse(value, CultureInfo.InvariantCulture, out seed))
        continue;
    Console.Error.WriteLine("usage: dotnet run -c Release --project tests/kills -- [--kills 1000] [--seed 1]");
    return 2;
}
var program = new BuiltProgram();
program.Publish();
try
{
    new KillRun(seed, hasLog: true, Console.Out).Run((kills + 1) / 2);
    if (kills > 1)
        new KillRun(seed + 1, hasLog: false, Console.Out).Run(kills / 2);
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
