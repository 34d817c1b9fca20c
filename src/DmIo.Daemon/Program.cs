return await DmIo.Daemon.CommandLine.Cli.RunAsync(args);
