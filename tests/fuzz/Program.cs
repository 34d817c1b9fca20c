using System.Globalization;
using System.Reflection;
using DmIo.Fuzz;

// Looks for what clients can do to the server, guided by which of its code runs: see README.md.
const string Usage = "usage: dotnet run -c Release --project tests/fuzz -- [--first SEED] [--seconds N] [--jobs N] "
    + "[--corpus FILE] [--failures DIR] [--replay FILE] [--minimise FILE] [--unreached 1]";
var numbers = new Dictionary<string, int> { ["--first"] = 1, ["--seconds"] = 60, ["--jobs"] = 1, ["--unreached"] = 0 };
var texts = new Dictionary<string, string?>
{
    ["--corpus"] = null,
    ["--failures"] = "out/fuzz",
    ["--replay"] = null,
    ["--minimise"] = null,
};
for (int i = 0; i < args.Length; i += 2)
{
    string value = i + 1 < args.Length ? args[i + 1] : "";
    if (texts.ContainsKey(args[i]) && value.Length > 0)
    {
        texts[args[i]] = value;
    }
    else if (numbers.ContainsKey(args[i]) && int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
    {
        numbers[args[i]] = number;
    }
    else
    {
        Console.Error.WriteLine(Usage);
        return 2;
    }
}
var methods = new List<string>();
using MemoryStream server = Instrumenter.Instrument(
    Path.Combine(AppContext.BaseDirectory, InstrumentedContext.Server + ".dll"), methods);
var context = new InstrumentedContext(server);
MethodInfo start = context.LoadFromAssemblyPath(typeof(Coverage).Assembly.Location)
    .GetType(typeof(Campaign).FullName!)!.GetMethod(nameof(Campaign.Start))!;
return (int)start.Invoke(null, [numbers, texts, methods])!;
