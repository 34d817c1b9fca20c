using System.Runtime.InteropServices;
using DmIo.SideBySide;
using DmIo.SideBySide.Cells;
using DmIo.SideBySide.Client;
using DmIo.SideBySide.Measure;
using DmIo.SideBySide.Servers;
using DmIo.SideBySide.Studies;

Options options;
try
{
    options = Options.Parse(args);
}
catch (NbdException e)
{
    Console.Error.WriteLine(e.Message);
    Console.Error.WriteLine(Options.Usage);
    return 2;
}

if (options.List)
{
    Console.WriteLine($"{Catalogue.Idle,-16} start-up time and idle memory");
    foreach (Cell cell in Catalogue.All)
    {
        Console.WriteLine($"{cell.Name,-16} {cell.What}");
    }

    foreach (Study study in Study.All)
    {
        Console.WriteLine($"{study.Name,-16} {study.What}");
    }

    return 0;
}

Workspace? workspace = null;
Lock cleaning = new();
int signalled = 0;

void CleanUp()
{
    lock (cleaning)
    {
        Children.EndAll();
        workspace?.Dispose();
    }
}

void Interrupted(PosixSignalContext context)
{
    context.Cancel = true;
    signalled = context.Signal switch
    {
        PosixSignal.SIGHUP => 1,
        PosixSignal.SIGINT => 2,
        _ => 15,
    };
    CleanUp();
    Environment.Exit(128 + signalled);
}

using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupted);
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupted);
using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Interrupted);
try
{
    workspace = new Workspace(options.DiskDirectory, options.LegBytes);
    return new Session(options, workspace).Run();
}
catch (Exception e)
{
    // Of whatever kind: an exception that nobody catches would leave the servers behind.
    if (signalled != 0)
    {
        return 128 + signalled;
    }

    Console.Error.WriteLine(e is NbdException ? e.Message : e);
    return 1;
}
finally
{
    CleanUp();
}
