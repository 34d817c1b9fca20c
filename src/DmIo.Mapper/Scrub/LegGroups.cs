using System.Numerics;

namespace DmIo.Mapper;

/// <summary>Which legs have the same contents: for each that was compared the lowest that has what it has.</summary>
/// <param name="Code">Four bits for each leg, all ones for one that was not compared.</param>
internal readonly record struct LegGroups(ulong Code)
{
    private const int BitsPerLeg = 4;
    private const ulong NotCompared = 15;

    public static LegGroups None { get; } = new(ulong.MaxValue);

    /// <summary>Bits of the legs that were compared.</summary>
    public ulong Legs
    {
        get
        {
            ulong legs = 0;
            for (int leg = 0; leg < MirrorSpec.MaxLegs; leg++)
                legs |= LikeOf(leg) == NotCompared ? 0 : 1UL << leg;
            return legs;
        }
    }

    /// <summary>Whether all have the same.</summary>
    public bool AreAlike => Legs is 0 and var none ? none == 0 : GroupOf(BitOperations.TrailingZeroCount(Legs)) == Legs;

    /// <summary>The same with a leg more, which is like another, or like itself alone.</summary>
    public LegGroups With(int leg, int like) =>
        new(Code & ~(NotCompared << leg * BitsPerLeg) | (ulong)like << leg * BitsPerLeg);

    /// <summary>Bits of the legs that have what a leg has; 0 when it was not compared.</summary>
    public ulong GroupOf(int leg)
    {
        ulong like = LikeOf(leg);
        ulong group = 0;
        for (int other = 0; like != NotCompared && other < MirrorSpec.MaxLegs; other++)
            group |= LikeOf(other) == like ? 1UL << other : 0;
        return group;
    }

    /// <summary>Bits of the legs of a group that has more than half of those that were compared; 0 when there is none.</summary>
    public ulong Majority
    {
        get
        {
            for (int leg = 0; leg < MirrorSpec.MaxLegs; leg++)
            {
                ulong group = GroupOf(leg);
                if (BitOperations.PopCount(group) * 2 > BitOperations.PopCount(Legs))
                    return group;
            }
            return 0;
        }
    }

    public IReadOnlyList<IReadOnlyList<int>> ToLists()
    {
        LegGroups groups = this;
        return
        [
            .. Enumerable.Range(0, MirrorSpec.MaxLegs)
                .Where(leg => groups.LikeOf(leg) != NotCompared)
                .GroupBy(groups.LikeOf)
                .Select(group => (IReadOnlyList<int>)[.. group]),
        ];
    }

    private ulong LikeOf(int leg) => Code >> leg * BitsPerLeg & NotCompared;
}
