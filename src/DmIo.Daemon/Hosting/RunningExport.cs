using DmIo.Daemon.Configuration;
using DmIo.Nbd;

namespace DmIo.Daemon.Hosting;

/// <summary>An export that is offered, and what was configured of it.</summary>
internal sealed record RunningExport(NbdExport Export, ExportConfiguration Source);
