using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Running;
using DmIo.Benchmarks.Mirror;

// The inner parts, each alone: dotnet run -c Release --project tests/DmIo.Benchmarks -- --filter '*'
// What a disk log is asked: dotnet run -c Release --project tests/DmIo.Benchmarks -- log-writes
// A mirror while one leg hangs: dotnet run -c Release --project tests/DmIo.Benchmarks -- hanging-leg [ROUNDS MS SEED]
if (args is ["log-writes"])
    LogWrites.Print();
else if (args is ["hanging-leg", ..])
    HangingLeg.Print(args[1..]);
else
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, DefaultConfig.Instance);
