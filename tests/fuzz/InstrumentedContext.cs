using System.Reflection;
using System.Runtime.Loader;

namespace DmIo.Fuzz;

/// <summary>
/// Loads this program once more, over an instrumented copy of the server that exists in memory alone; all other
/// assemblies are those of the program.
/// </summary>
internal sealed class InstrumentedContext(Stream server) : AssemblyLoadContext("instrumented")
{
    public const string Server = "DmIo.Nbd";

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        Assembly self = typeof(InstrumentedContext).Assembly;
        if (assemblyName.Name == Server)
            return LoadFromStream(server);
        return assemblyName.Name == self.GetName().Name ? LoadFromAssemblyPath(self.Location) : null;
    }
}
