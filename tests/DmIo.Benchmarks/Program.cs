using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Running;

// The inner parts, each alone: dotnet run -c Release --project tests/DmIo.Benchmarks -- --filter '*'
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, DefaultConfig.Instance);
