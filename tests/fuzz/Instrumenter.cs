using Mono.Cecil;
using Mono.Cecil.Cil;
using Mono.Cecil.Rocks;

namespace DmIo.Fuzz;

/// <summary>Puts a counter at the beginning of every block of an assembly's code.</summary>
internal static class Instrumenter
{
    /// <summary>Instruments an assembly.</summary>
    /// <param name="path">The assembly; it stays as it is.</param>
    /// <param name="methods">Takes, for every block, the method that it belongs to.</param>
    /// <returns>The instrumented assembly.</returns>
    public static MemoryStream Instrument(string path, List<string> methods)
    {
        using var resolver = new DefaultAssemblyResolver();
        resolver.AddSearchDirectory(Path.GetDirectoryName(path));
        using AssemblyDefinition assembly = AssemblyDefinition.ReadAssembly(
            path, new ReaderParameters { AssemblyResolver = resolver });
        MethodReference hit = assembly.MainModule.ImportReference(typeof(Coverage).GetMethod(nameof(Coverage.Hit)));
        foreach (TypeDefinition type in assembly.MainModule.GetAllTypes())
        {
            foreach (MethodDefinition method in type.Methods)
            {
                if (method.HasBody && !IsOfNobody(type) && !IsOfNobody(method))
                    Instrument(method, hit, methods);
            }
        }
        if (methods.Count > Coverage.MaxBlocks)
            throw new InvalidOperationException($"{methods.Count} blocks: raise {nameof(Coverage.MaxBlocks)}");
        var instrumented = new MemoryStream();
        assembly.Write(instrumented);
        instrumented.Position = 0;
        return instrumented;
    }

    // What the compiler wrote without being asked: members of records, lists behind collection expressions. Bodies of
    // lambdas and async methods lie in nested types, and are somebody's.
    private static bool IsOfNobody(MethodDefinition method) =>
        method.Name == "SetStateMachine" || (IsMarked(method) && !IsMarked(method.DeclaringType) && method.Name[0] != '<');

    private static bool IsOfNobody(TypeDefinition type) => !type.IsNested && IsMarked(type);

    private static bool IsMarked(ICustomAttributeProvider member) =>
        member.CustomAttributes.Any(a => a.AttributeType.Name == "CompilerGeneratedAttribute");

    private static void Instrument(MethodDefinition method, MethodReference hit, List<string> methods)
    {
        MethodBody body = method.Body;
        body.SimplifyMacros();
        ILProcessor code = body.GetILProcessor();
        var moved = new Dictionary<Instruction, Instruction>();
        foreach (Instruction start in FindStarts(body))
        {
            Instruction number = code.Create(OpCodes.Ldc_I4, methods.Count);
            methods.Add(method.FullName);
            code.InsertBefore(start, number);
            code.InsertBefore(start, code.Create(OpCodes.Call, hit));
            moved.Add(start, number);
        }
        foreach (Instruction instruction in body.Instructions)
        {
            if (instruction.Operand is Instruction target && moved.TryGetValue(target, out Instruction? to))
                instruction.Operand = to;
            else if (instruction.Operand is Instruction[] targets)
                instruction.Operand = Array.ConvertAll(targets, t => moved.GetValueOrDefault(t, t));
        }
        foreach (ExceptionHandler handler in body.ExceptionHandlers)
        {
            handler.TryStart = Moved(handler.TryStart);
            handler.TryEnd = Moved(handler.TryEnd);
            handler.HandlerStart = Moved(handler.HandlerStart);
            handler.HandlerEnd = Moved(handler.HandlerEnd);
            handler.FilterStart = Moved(handler.FilterStart);
        }
        body.OptimizeMacros();

        Instruction? Moved(Instruction? from) => from is null ? null : moved.GetValueOrDefault(from, from);
    }

    // Where code is jumped to, and where it goes on if it does not jump.
    private static HashSet<Instruction> FindStarts(MethodBody body)
    {
        HashSet<Instruction> starts = [body.Instructions[0]];
        foreach (Instruction instruction in body.Instructions)
        {
            if (instruction.Operand is Instruction target)
                starts.Add(target);
            else if (instruction.Operand is Instruction[] targets)
                starts.UnionWith(targets);
            if (instruction.OpCode.FlowControl == FlowControl.Cond_Branch && instruction.Next is { } next)
                starts.Add(next);
        }
        return starts;
    }
}
