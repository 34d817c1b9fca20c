using System.Collections.Immutable;
using DmIo.Nbd.Wire;

namespace DmIo.Nbd.Status;

/// <summary>The payload of a BLOCK_STATUS with extended headers: u64 effect length, then u32 context ids.</summary>
internal static class StatusPayload
{
    /// <summary>Whether a payload of so many bytes can name each of some of the selected contexts once.</summary>
    public static bool MayBe(int bytes, int selected) => bytes >= sizeof(ulong)
        && (bytes - sizeof(ulong)) % sizeof(uint) == 0 && (bytes - sizeof(ulong)) / sizeof(uint) <= selected;

    /// <summary>Takes a payload apart.</summary>
    /// <returns>False when it names a context twice, or one that was not selected, or none.</returns>
    public static bool TryParse(
        ReadOnlySpan<byte> payload, ImmutableArray<MetaContext> selected, out ulong length,
        out ImmutableArray<MetaContext> contexts)
    {
        var reader = new WireReader(payload);
        length = reader.ReadUInt64();
        ImmutableArray<MetaContext>.Builder named = ImmutableArray.CreateBuilder<MetaContext>();
        contexts = [];
        while (reader.Remaining > 0)
        {
            uint id = reader.ReadUInt32();
            MetaContext? context = selected.FirstOrDefault(c => c.Id == id);
            if (context is null || named.Contains(context))
                return false;
            named.Add(context);
        }
        contexts = named.ToImmutable();
        return !contexts.IsEmpty;
    }
}
